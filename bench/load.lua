-- wrk's side of bench/throughput.py: sends one prepared request, and counts right answers.
local path = os.getenv("BENCH_REQUEST")
local file = assert(io.open(path, "rb"))
local whole = file:read("*a")
local expected = tonumber(os.getenv("BENCH_STATUS"))
file:close()

local threads = {}
function setup(thread) table.insert(threads, thread) end

function init()
  right, wrong, sample = 0, 0, ""
end

function request() return whole end

function response(status, _headers, body)
  if status == expected and (status == 202 or body:find('xx"}', -8, true)) then
    right = right + 1
  else
    wrong = wrong + 1
    if sample == "" then sample = status .. " " .. body:sub(1, 80) end
  end
end

function done(summary, latency)
  local good, bad, said = 0, 0, ""
  for _, thread in ipairs(threads) do
    good, bad = good + thread:get("right"), bad + thread:get("wrong")
    if said == "" then said = thread:get("sample") end
  end
  local e = summary.errors
  io.stderr:write(string.format(
    "right=%d wrong=%d broken=%d duration_us=%d p50_us=%d p99_us=%d\n%s\n",
    good, bad, e.connect + e.read + e.write + e.timeout, summary.duration,
    latency:percentile(50), latency:percentile(99), said))
end
