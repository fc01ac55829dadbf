"""Tells of alarms. A message that cannot be told comes again, the others of its batch do not."""

import json


def handler(event, context):
    failed = []
    for message in event["Records"]:
        try:
            alarm = json.loads(message["body"])
            print(f"ALARM {alarm['sensor']}: {alarm['value']}")
        except (KeyError, TypeError, ValueError):
            failed.append({"itemIdentifier": message["messageId"]})
    return {"batchItemFailures": failed}
