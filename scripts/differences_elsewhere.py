"""What differs from AWS in its services beside Lambda: rows of docs/COMPATIBILITY.md."""

ELSEWHERE = (
    (
        "Other services",
        "S3, SNS, IAM, DynamoDB and whatever else moto has are answered by moto, in a"
        " process of its own, without policies being asked, but of functions that change IAM"
        " (buckets and topics are their own account's only; other services may take another"
        " account's ARN)."
        " They reach no network: topics and buses send"
        " nothing to HTTP addresses. What moto has not built is a 501 that names it. Each"
        " can be had from another endpoint instead (`neighbour_endpoints`)",
    ),
    (
        "Step Functions",
        "state machines run by moto's interpreter, with tasks of Lambda; tasks of other services,"
        " activities and distributed Maps fail the execution."
        " 16 executions run at a time, a Map has 10 items at a time (AWS: 40), and a history"
        " at most 32 MB beside AWS's 25,000 events. The latest 500 ended executions are kept,"
        " also those of EXPRESS machines, unless StartSyncExecution waited for them. What"
        " runs when the server ends is ABORTED afterwards (AWS goes on). Roles are not asked, and"
        " nothing is logged to CloudWatch",
    ),
    (
        "Rotation of secrets",
        "by functions whose policy admits Secrets Manager; managed rotation is refused. A"
        " rotation that fails is not tried again before the next time or call. Without Duration"
        " it begins with the schedule's moment, not somewhere in a window",
    ),
    (
        "What other services keep",
        "is in memory, and written to the disk half a second after it changes (later where"
        " there is so much of it that writing takes long: at most a quarter of the time is"
        " spent on that), and when the server ends. A server, or moto, that is killed loses"
        " what changed since; a restart does not (AWS loses nothing). What cannot be written is"
        " named in the log. Another version of moto does not read it: it is moved aside, and"
        " all begins anew. Objects of S3 are files; `neighbours_disk_mb` bounds them and the"
        " rest together",
    ),
    (
        "Triggers",
        "objects of S3, messages of SNS and events of EventBridge (rules with patterns, as far"
        " as moto matches them) invoke functions whose policy admits the bucket, topic or rule,"
        " and go to queues of the same account, whose policies are not asked; queues of others"
        " take none. Rules reach topics, streams of Kinesis and Firehose, state machines, log"
        " groups and event buses of their account, too, and another's bus by its policy; other"
        " targets are a 501 that names them."
        " A message is not signed. Other services do not invoke functions yet",
    ),
    (
        "Schedules",
        "rules with `rate` and `cron` send AWS's event to whatever a rule reaches; EventBridge"
        " Scheduler reaches the same but log groups, and refuses other and universal"
        " targets with a 501. Neither tries again what was not taken (the log says so), nor"
        " has a dead-letter queue. What was missed for more than a minute, also because no"
        " server ran, is not made up for;"
        " an `at` in the past never runs; a rate is counted from the last change. There are"
        " at most 10,000 schedules. `time_scale` hurries them",
    ),
    (
        "CloudFormation",
        "serves the types that its refusal of others lists. CreateChangeSet answers when the"
        " change set is ready, DescribeStacks of one stack when nothing is under way with it, or"
        " after 20 s: tools that ask every 5 to 30 s need not ask twice."
        " No stack policies, imports, drift, stack sets, macros of one's"
        " own (AWS::Include, AWS::Serverless and AWS::LanguageExtensions are served), hooks,"
        " rollback triggers, CreationPolicy or UpdatePolicy (the last two are ignored);"
        " with ImportExistingResources nothing is imported, so that what is there"
        " already makes the creation fail; the role of a stack is kept and shown, without"
        " effect. There are no"
        " `aws:cloudformation:` tags. A custom resource's ResponseURL is `http`. An"
        " AllowedPattern that looks around or names its groups is not checked. DeletionPolicy"
        " Snapshot deletes. Of a stack the last 2,000 events are kept, and the last 100 deleted"
        " stacks. All functions of a template make 16 million characters at most. The"
        " templates and parameters of all stacks and change sets of an account have"
        " at most 64 MiB, what is deleted not counted",
    ),
    (
        "Requests for them",
        "must be signed, at least in form: anonymous ones are refused, public objects"
        " included; names like `bucket.localhost` are not looked at, the path is",
    ),
    (
        "SQS",
        "of an account's own, 1,000 queues and 1,000,000 messages or 8 GiB. Policies and KMS "
        "keys are kept and shown, without effect; SenderId is the account; a name is free as "
        "soon as its queue is deleted; the dead-letter queue named by a RedrivePolicy need not "
        "be there, and RedriveAllowPolicy is not asked. After a crash, what was in flight may "
        "be visible early. ReceiveRequestAttemptId is ignored. An address counts by its last "
        "two parts, account and name, under whatever name the server is called",
    ),
    ("Old CLIs", "below 1.29 and 2.13, `aws` needs `--endpoint-url` with each command"),
    ("Code.Location", "an address of this server, good for ten minutes and until its restart"),
    (
        "S3ObjectStorageMode REFERENCE",
        "the package is copied all the same: it is not read from its bucket again and may be "
        "deleted there. GetFunction has no ResolvedS3Object",
    ),
    ("Lambda@Edge", "no function is a replica: with MasterRegion, ListFunctions lists none"),
    (
        "VpcConfig, FileSystemConfigs, KMSKeyArn",
        "kept and shown, without effect",
    ),
    (
        "InvokeWithResponseStream",
        "an error before the first byte has ErrorCode `Unhandled`, a later one its own type "
        "(`Sandbox.Timedout`, `Runtime.ExitError`, the trailer's); AWS does not document its "
        "codes. An answer with a Content-Length is one PayloadChunk; one in chunks is "
        "streamed, its mode declared or not",
    ),
    (
        "A caller who takes nothing",
        "of a streamed answer is cut off after a minute; the function goes on, as on AWS",
    ),
    (
        "Role",
        "one that IAM here knows must trust Lambda, else it is refused; others are accepted."
        " What a function may do is taken from it as far as What a function may (above) says",
    ),
    (
        "Architectures",
        "a function for another architecture than the machine's is refused at invoke, by name;"
        " but for OS-only runtimes (provided.*) where the kernel emulates it (binfmt_misc, flag F:"
        " docs/guide/custom-runtimes.md). There a program of either architecture runs, whatever"
        " the function says",
    ),
    (
        "Missing interpreter",
        "the function ends as State Failed; the reason names the remedy. A restart of the "
        "server tries again",
    ),
    ("Other languages", "dotnet and java8.al2 end as State Failed: not built yet"),
)
