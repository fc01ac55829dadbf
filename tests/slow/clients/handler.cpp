// The client has no JSON of its own: what it needs of the event is found by looking for words.
#include <aws/lambda-runtime/runtime.h>

#include <cstdlib>
#include <string>
#include <unistd.h>

using namespace aws::lambda_runtime;

static int count = 0;

static invocation_response handle(invocation_request const &request)
{
    auto const &event = request.payload;
    auto is = [&](char const *mode) {
        return event.find(std::string("\"mode\": \"") + mode) != std::string::npos;
    };
    count++;
    if (is("fail"))
        return invocation_response::failure("handled", "Handled", "");
    if (is("crash"))
        exit(3);
    if (is("sleep"))
        sleep(3600);
    std::string text = "null";
    auto const at = event.find("\"text\": ");
    if (at != std::string::npos)
        text = event.substr(at + 8, event.rfind('}') - at - 8);
    return invocation_response::success(
        "{\"count\": " + std::to_string(count) + ", \"text\": " + text + "}", "application/json");
}

int main()
{
    run_handler(handle);
}
