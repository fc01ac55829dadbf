"""What differs from AWS in what observes: rows of docs/COMPATIBILITY.md."""

CLOUDWATCH = (
    (
        "Metrics of functions",
        "a value is there as soon as it is asked for. Concurrency has one value for a minute, "
        "its most. Metrics of events and IteratorAge have the dimension FunctionName only, "
        "those of provisioned concurrency are told of versions and not of aliases; "
        "ConcurrentExecutions of functions and of the whole account only; Throttles has a 0 "
        "for each invocation, as Errors has. MaxMemoryUsed is REPORT's. "
        "OffsetLag is told of after each commit, UrlRequestLatency when the answer is out, "
        "ClaimedAccountConcurrency while something runs. FailedInvokeEventCount counts the events "
        "of every invocation that failed, whyever. ErrorCount and KafkaMetrics of mappings, "
        "DuplicateRecords, ProvisionedPollers and SignatureValidationErrors are not there",
    ),
    (
        "GetMetricData",
        "expressions: + - * / ^, comparisons, AND, OR, ABS, AVG, CEIL, DATAPOINT_COUNT, DIFF, "
        "FILL, FLOOR, IF, MAX, METRICS, METRIC_COUNT, MIN, PERIOD, RATE, SUM over lines of one "
        "period; other periods together, and all other functions, SEARCH and SQL with them, are a "
        "typed 501. A value without a result (a division by zero) is left out; the words after "
        "`Error in expression` are ours; a request works out 1,000,000 values at most, in 20 "
        "brackets and 20 expressions of each other. Of statistics there are the "
        "five simple ones and percentiles (within 2.3 %; AWS does not say). A query's values "
        "come in one piece; NextToken is between queries. What is older than 15 days and was "
        "asked for by the minute is shown in spans of five minutes",
    ),
    (
        "PutMetricData",
        "is on the disk when it answers. StorageResolution 1 is accepted and kept by the "
        "minute; EntityMetricData is a typed 501; an account has at most 50,000 metrics. The "
        "namespace Stoker/Billing is ours: what AWS would bill for functions, by the quarter of an "
        "hour",
    ),
    (
        "Embedded metrics",
        "in log events of functions and of PutLogEvents, without a header; of one event at most "
        "1,000 metrics under their dimensions, 20 directives, 30 sets of dimensions, values of the "
        "last two weeks. A metric without a value is left out, one bad member makes all of it a "
        "plain log event. The namespace LambdaInsights has what its layer logs, nothing of ours",
    ),
    (
        "Alarms",
        "are judged each minute, two seconds after it, and when they are put, over periods that "
        "end with the last full minute (periods of 10, 20 and 30 seconds are minutes). Two periods "
        "more than EvaluationPeriods are looked at for values that are missing; a breaching value "
        "that is younger than DatapointsToAlarm, with others missing, is OK (AWS does not say). "
        "Actions are SNS topics and functions, tried once, and once more if the server died "
        "meanwhile; EventBridge hears of changes if anybody has used it. Composite alarms, alarms "
        "on logs, bands, mute rules, EvaluateLowSampleCountPercentile ignore, metrics of "
        "different periods in one expression and all other actions are a typed 501. The latest 50 "
        "things that happened to an alarm are kept, and go with it; an account has 5,000 alarms. "
        "Those that step and target tracking policies name are not among them",
    ),
    (
        "Everything else of CloudWatch",
        "goes to the neighbour: dashboards, anomaly detectors, metric streams are kept there and "
        "do nothing",
    ),
    (
        "OpenTelemetry",
        "`--otlp-endpoint` exports traces (X-Ray's segments as spans), metrics and logs by "
        "OTLP over HTTP; AWS has that in collectors, layers and metric streams, whose names of "
        "metrics are others. No gRPC, no compression, no endpoints by signal",
    ),
)

XRAY = (
    (
        "Traces",
        "are there as soon as they are asked for, those of functions and those that are put; a "
        "crash loses half a second of what functions sent. Kept for `traces_days`, in "
        "`traces_mb`: where that is not enough, whoever keeps most loses the oldest segments. Of a "
        "trace 2,000 segments and 1 MiB are shown, subsegments no deeper than 50. A segment must "
        "have an end or be in progress",
    ),
    (
        "Functions",
        "have segments with TracingConfig Active only, whatever the caller decided. `AWS::Lambda` "
        "begins when an environment takes the event; it has no Dwell Time and no Attempt. One "
        "environment sends 1,000 segments and 1 MiB a second at most",
    ),
    (
        "GetTraceSummaries",
        "HasFault, HasError and HasThrottle are of any segment, not of the root alone. "
        "TimeRangeType TraceId takes the time in the id. Filter expressions have ok, error, fault, "
        "throttle, partial, inferred, remote, responsetime, duration, http.*, user, name, type, "
        "resource.arn, annotations, service() and edge(); others, and SamplingStrategy, are a "
        "typed 501. There are no root causes, instances and zones. A call looks at 1,000 traces or "
        "16 MB and goes on with NextToken",
    ),
    (
        "Service graphs",
        "are drawn from the latest 1,000 traces or 16 MB of the time; a time has 24 hours at most. "
        "Services that send nothing are nodes, but have no segments of their own in BatchGetTraces",
    ),
    (
        "Sampling",
        "there is the rule Default, for each function by itself; each client that asks may sample "
        "one request a second. Rules, groups, insights and encryption are not built",
    ),
    (
        "PutTelemetryRecords",
        "is checked and not kept: nothing of X-Ray's shows it",
    ),
)

INSIGHTS = (
    (
        "Lambda Insights",
        "are on for functions that `lambda_insights` names, without the layer of AWS's extension, "
        "which is AWS's own. Bytes are those that cross the border of the environment; threads_max "
        "is how many there are at the end. /tmp and open files are left out. Streams of "
        "/aws/lambda-insights are named after the function and its own log stream",
    ),
    (
        "StartLiveTail",
        "shows what is written from its beginning on, within a quarter of a second; an update has "
        "500 events or 1 MiB, and says when there were more; 15 sessions of an account. Groups may "
        "be named as well as by ARN. SDKs call the host `stream-…`: switch that off with "
        "AWS_DISABLE_HOST_PREFIX_INJECTION=true or `inject_host_prefix=False`",
    ),
    (
        "Logs Insights",
        "has fields, display, filter, parse, stats, sort, limit and dedup, with `like`, `=~`, "
        "`in`, arithmetic, bin, datefloor, and the functions its refusal of others lets by; other "
        "commands are a MalformedQueryException that names them, SQL and PPL a typed 501. Regular "
        "expressions are RE2's: nothing looks around. Fields that parse made are shown unless "
        "display chooses. Each query runs in a process of its own, two at a time, for a minute "
        "and 1 GB at most: Timeout and Failed tell of more. It keeps 10,000 rows or groups and "
        "64 MB; dedup looks at 10,000 rows. Percentiles are within 2.3 %. Results are there when "
        "all is done, for the latest 200 queries, until a restart. The reason of a malformed query "
        "is its message; GetLogRecord, GetLogGroupFields and saved queries are not built",
    ),
)
