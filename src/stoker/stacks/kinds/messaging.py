"""AWS::SQS::*, AWS::SNS::*, AWS::Kinesis::Stream: what carries messages and records."""

from typing import Any

from stoker.stacks.work import Kind, Made, Work, nothing, words

QUEUE_DEFAULTS: dict[str, Any] = {
    "DelaySeconds": 0, "MaximumMessageSize": 262144, "MessageRetentionPeriod": 345600,
    "ReceiveMessageWaitTimeSeconds": 0, "VisibilityTimeout": 30, "RedrivePolicy": "",
    "RedriveAllowPolicy": "", "KmsMasterKeyId": "", "KmsDataKeyReusePeriodSeconds": 300,
    "SqsManagedSseEnabled": "true",
}  # fmt: skip
FIXED = words("QueueName Tags FifoQueue")
TOPIC_APART = words("TopicName Tags Subscription DataProtectionPolicy DeliveryStatusLogging")
DELIVERY = words("FilterPolicy FilterPolicyScope RawMessageDelivery RedrivePolicy DeliveryPolicy")
FIXED_SUBSCRIPTION = words("TopicArn Protocol Endpoint")


def _is_true(value: Any) -> bool:
    return str(value).lower() == "true"


# ---- queues ----


async def _create_queue(work: Work) -> Made:
    fifo = _is_true(work.properties.get("FifoQueue"))
    name = str(work.properties.get("QueueName") or _queue_name(work))
    attributes = work.without("QueueName", "Tags", *(() if fifo else ("FifoQueue",)))
    made = await work.ask(
        "sqs", "CreateQueue", QueueName=name, Attributes=attributes,
        tags=work.properties.get("Tags"),
    )  # fmt: skip
    url = made["QueueUrl"]
    return Made(url, {"Arn": work.arn("sqs", name), "QueueName": name, "QueueUrl": url})


def _queue_name(work: Work) -> str:
    fifo = _is_true(work.properties.get("FifoQueue"))
    return work.unique(75) + ".fifo" * fifo


async def _update_queue(work: Work) -> Made:
    asked = {
        key: value
        for key, value in work.properties.items()
        if key not in FIXED and work.changed(key)
    }
    for key in work.before.keys() - work.properties.keys() - FIXED:
        asked[key] = QUEUE_DEFAULTS.get(key, "false")
    if asked:
        await work.ask("sqs", "SetQueueAttributes", QueueUrl=work.physical, Attributes=asked)
    wanted, gone = work.retagging()
    if gone:
        await work.ask("sqs", "UntagQueue", QueueUrl=work.physical, TagKeys=gone)
    if wanted:
        await work.ask("sqs", "TagQueue", QueueUrl=work.physical, Tags=wanted)
    return Made(work.physical, work.attributes)


async def _delete_queue(work: Work) -> None:
    await work.ask("sqs", "DeleteQueue", QueueUrl=work.physical)


async def _queue_policy(work: Work) -> Made:
    for url in work.must("Queues"):
        policy = {"Policy": work.must("PolicyDocument")}
        await work.ask("sqs", "SetQueueAttributes", QueueUrl=url, Attributes=policy)
    for url in set(work.before.get("Queues") or ()).difference(work.properties["Queues"]):
        await work.ask("sqs", "SetQueueAttributes", QueueUrl=url, Attributes={"Policy": ""})
    id = work.physical or work.unique(80)
    return Made(id, {"Id": id})


async def _no_queue_policy(work: Work) -> None:
    for url in work.properties["Queues"]:
        await work.ask("sqs", "SetQueueAttributes", QueueUrl=url, Attributes={"Policy": ""})


# ---- topics ----


async def _create_topic(work: Work) -> Made:
    fifo = _is_true(work.properties.get("FifoTopic"))
    name = str(work.properties.get("TopicName") or work.unique(250) + ".fifo" * fifo)
    made = await work.ask(
        "sns", "CreateTopic", Name=name, Tags=work.properties.get("Tags"),
        Attributes=work.without(*TOPIC_APART, *(() if fifo else ("FifoTopic",))),
    )  # fmt: skip
    arn = made["TopicArn"]
    attributes = {"TopicArn": arn, "TopicName": name}
    await work.exists(arn, attributes)
    await _subscribe_all(work, arn)
    return Made(arn, attributes)


async def _update_topic(work: Work) -> Made:
    settings = work.without(*TOPIC_APART, "FifoTopic")
    gone = work.before.keys() - work.properties.keys() - TOPIC_APART - {"FifoTopic"}
    for key, value in {**settings, **dict.fromkeys(gone, "")}.items():
        if work.changed(key):
            await work.ask(
                "sns", "SetTopicAttributes", TopicArn=work.physical, AttributeName=key,
                AttributeValue=value,
            )  # fmt: skip
    wanted, lost = work.retagging()
    if lost:
        await work.ask("sns", "UntagResource", ResourceArn=work.physical, TagKeys=lost)
    if wanted:
        tags = work.properties["Tags"]
        await work.ask("sns", "TagResource", ResourceArn=work.physical, Tags=tags)
    await _subscribe_all(work, work.physical)
    return Made(work.physical, work.attributes)


async def _subscribe_all(work: Work, arn: str) -> None:
    """The subscriptions that a topic's own definition lists."""
    if not work.changed("Subscription"):
        return
    wanted = [(one["Protocol"], one["Endpoint"]) for one in work.properties.get("Subscription", ())]
    was = {(one["Protocol"], one["Endpoint"]) for one in work.before.get("Subscription", ())}
    for protocol, endpoint in wanted:
        if (protocol, endpoint) not in was:
            await work.ask("sns", "Subscribe", TopicArn=arn, Protocol=protocol, Endpoint=endpoint)
    if was.difference(wanted):
        found = await work.ask("sns", "ListSubscriptionsByTopic", TopicArn=arn)
        for one in found["Subscriptions"]:
            if (one["Protocol"], one["Endpoint"]) in was.difference(wanted):
                await work.ask("sns", "Unsubscribe", SubscriptionArn=one["SubscriptionArn"])


async def _delete_topic(work: Work) -> None:
    await work.ask("sns", "DeleteTopic", TopicArn=work.physical)


async def _subscribe(work: Work) -> Made:
    asked = work.without(*DELIVERY, "Region")
    made = await work.ask(
        "sns", "Subscribe", ReturnSubscriptionArn=True, Attributes=work.only(*DELIVERY), **asked
    )
    return Made(made["SubscriptionArn"], {"Arn": made["SubscriptionArn"]})


async def _resubscribe(work: Work) -> Made:
    for name in sorted(DELIVERY):
        if work.changed(name):
            value = work.properties.get(name, "false" if name == "RawMessageDelivery" else "")
            await work.ask(
                "sns", "SetSubscriptionAttributes", SubscriptionArn=work.physical,
                AttributeName=name, AttributeValue=value,
            )  # fmt: skip
    return Made(work.physical, work.attributes)


async def _unsubscribe(work: Work) -> None:
    await work.ask("sns", "Unsubscribe", SubscriptionArn=work.physical)


async def _topic_policy(work: Work) -> Made:
    for arn in work.must("Topics"):
        await work.ask(
            "sns", "SetTopicAttributes", TopicArn=arn, AttributeName="Policy",
            AttributeValue=work.must("PolicyDocument"),
        )  # fmt: skip
    id = work.physical or work.unique(80)
    return Made(id, {"Id": id})


# ---- streams ----


async def _create_stream(work: Work) -> Made:
    name = work.name("Name", 128)
    on_demand = not work.properties.get("ShardCount")
    mode = work.properties.get("StreamModeDetails") or {
        "StreamMode": "ON_DEMAND" if on_demand else "PROVISIONED"
    }
    await work.ask(
        "kinesis", "CreateStream", StreamName=name, StreamModeDetails=mode,
        **work.only("ShardCount", "MaxRecordSizeInKiB", "Tags"),
    )  # fmt: skip
    attributes = {"Arn": work.arn("kinesis", f"stream/{name}")}
    await work.exists(name, attributes)
    await _set_stream(work, name)
    return Made(name, attributes)


async def _update_stream(work: Work) -> Made:
    if work.changed("ShardCount") and work.properties.get("ShardCount"):
        await work.ask(
            "kinesis", "UpdateShardCount", StreamName=work.physical,
            TargetShardCount=work.properties["ShardCount"], ScalingType="UNIFORM_SCALING",
        )  # fmt: skip
    await _set_stream(work, work.physical)
    return Made(work.physical, work.attributes)


async def _set_stream(work: Work, name: str) -> None:
    if work.changed("RetentionPeriodHours"):
        before = int(work.before.get("RetentionPeriodHours", 24))
        hours = int(work.properties.get("RetentionPeriodHours", 24))
        if hours != before:
            way = "Increase" if hours > before else "Decrease"
            operation = f"{way}StreamRetentionPeriod"
            await work.ask("kinesis", operation, StreamName=name, RetentionPeriodHours=hours)
    if work.changed("StreamEncryption"):
        key = work.properties.get("StreamEncryption") or work.before["StreamEncryption"]
        on = "StreamEncryption" in work.properties
        operation = "StartStreamEncryption" if on else "StopStreamEncryption"
        await work.ask("kinesis", operation, StreamName=name, **key)


async def _delete_stream(work: Work) -> None:
    await work.ask(
        "kinesis", "DeleteStream", StreamName=work.physical, EnforceConsumerDeletion=True
    )


async def _create_consumer(work: Work) -> Made:
    made = await work.ask("kinesis", "RegisterStreamConsumer", **work.properties)
    arn = made["Consumer"]["ConsumerARN"]
    return Made(arn, {"ConsumerARN": arn, "ConsumerName": work.properties["ConsumerName"]})


async def _delete_consumer(work: Work) -> None:
    await work.ask("kinesis", "DeregisterStreamConsumer", ConsumerARN=work.physical)


KINDS = (
    Kind(
        "AWS::SQS::Queue", _create_queue, _delete_queue, _update_queue,
        replaced_by=words("QueueName FifoQueue"), named="QueueName",
    ),
    Kind("AWS::SQS::QueuePolicy", _queue_policy, _no_queue_policy, _queue_policy, tags=None),
    Kind(
        "AWS::SNS::Topic", _create_topic, _delete_topic, _update_topic,
        replaced_by=words("TopicName FifoTopic"), named="TopicName",
    ),
    Kind(
        "AWS::SNS::Subscription", _subscribe, _unsubscribe, _resubscribe, tags=None,
        replaced_by=FIXED_SUBSCRIPTION,
    ),
    Kind("AWS::SNS::TopicPolicy", _topic_policy, nothing, _topic_policy, tags=None),
    Kind(
        "AWS::Kinesis::Stream", _create_stream, _delete_stream, _update_stream,
        replaced_by=words("Name"), named="Name", guess=lambda w: w.unique(128),
    ),
    Kind("AWS::Kinesis::StreamConsumer", _create_consumer, _delete_consumer, tags=None),
)  # fmt: skip
