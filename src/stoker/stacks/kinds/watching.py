"""AWS::CloudWatch::Alarm: what looks at metrics."""

from stoker.stacks.work import Kind, Made, Work, words


async def _create_alarm(work: Work) -> Made:
    name = work.name("AlarmName", 255)
    await work.ask("cloudwatch", "PutMetricAlarm", **{**work.properties, "AlarmName": name})
    return Made(name, {"Arn": work.arn("cloudwatch", f"alarm:{name}")})


async def _update_alarm(work: Work) -> Made:
    """All of it is said again; tags are not taken then."""
    asked = {**work.without("Tags"), "AlarmName": work.physical}
    await work.ask("cloudwatch", "PutMetricAlarm", **asked)
    arn = work.arn("cloudwatch", f"alarm:{work.physical}")
    wanted, gone = work.retagging()
    if gone:
        await work.ask("cloudwatch", "UntagResource", ResourceARN=arn, TagKeys=gone)
    if wanted:
        tags = [{"Key": key, "Value": value} for key, value in wanted.items()]
        await work.ask("cloudwatch", "TagResource", ResourceARN=arn, Tags=tags)
    return Made(work.physical, work.attributes)


async def _delete_alarm(work: Work) -> None:
    await work.ask("cloudwatch", "DeleteAlarms", AlarmNames=[work.physical])


KINDS = (
    Kind(
        "AWS::CloudWatch::Alarm", _create_alarm, _delete_alarm, _update_alarm,
        replaced_by=words("AlarmName"), named="AlarmName",
    ),
)  # fmt: skip
