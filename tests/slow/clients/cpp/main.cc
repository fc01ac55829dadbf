// One function with a part per case, on AWS's own C++ client. The event's "do" chooses.
//
// The client brings no JSON: what these events have is found as text. They come without spaces.

#include <aws/lambda-runtime/runtime.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <thread>

using namespace aws::lambda_runtime;

static int count = 0;

/// What lies between `before` and the last `after`, or nothing.
static std::string between(std::string const& text, std::string const& before, char after)
{
    auto const found = text.find(before);
    if (found == std::string::npos) {
        return "";
    }
    auto const start = found + before.size();
    return text.substr(start, text.rfind(after) - start);
}

static std::string what(std::string const& event)
{
    auto const start = event.find("\"do\":\"") + 6;
    return event.substr(start, event.find('"', start) - start);
}

static std::string describe(invocation_request const& request)
{
    auto const title = between(request.client_context, "\"app_title\":\"", '}');
    auto const custom = between(request.client_context, "\"custom\":", '}');
    return "{\"request_id\":\"" + request.request_id + "\",\"arn\":\"" + request.function_arn +
           "\",\"trace\":\"" + request.xray_trace_id +
           "\",\"remaining_ms\":" + std::to_string(request.get_time_remaining().count()) +
           ",\"app_title\":\"" + title.substr(0, title.find('"')) +
           "\",\"custom\":" + (custom.empty() ? "{}" : custom) +
           ",\"function\":\"" + std::getenv("AWS_LAMBDA_FUNCTION_NAME") +
           "\",\"memory_mb\":" + std::getenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE") + "}";
}

static std::string answer(std::string const& wish, invocation_request const& request)
{
    auto const& event = request.payload;
    if (wish == "echo") {
        return between(event, "\"value\":", '}');
    }
    if (wish == "count") {
        return std::to_string(++count);
    }
    if (wish == "bench") {
        return "{\"count\":" + std::to_string(++count) + ",\"data\":\"" +
               between(event, "\"data\":\"", '"') + "\"}";
    }
    if (wish == "panic") {
        throw std::runtime_error("out of luck");
    }
    if (wish == "exit") {
        std::_Exit(7);
    }
    if (wish == "sleep") {
        std::this_thread::sleep_for(std::chrono::hours(1));
    }
    if (wish == "length") {
        return std::to_string(between(event, "\"data\":\"", '"').size());
    }
    if (wish == "large") {
        return '"' + std::string(std::stoul(between(event, "\"size\":", '}')), 'x') + '"';
    }
    return describe(request);
}

static invocation_response handle(invocation_request const& request)
{
    auto const wish = what(request.payload);
    std::printf("asked to %s\n", wish.c_str());
    std::fflush(stdout);
    if (wish == "error") {
        return invocation_response::failure("not today", "Refused", "");
    }
    return invocation_response::success(answer(wish, request), "application/json");
}

int main()
{
    auto const* init = std::getenv("INIT");
    if (init != nullptr && std::string(init) == "exit") {
        std::_Exit(7);
    }
    run_handler(handle);
}
