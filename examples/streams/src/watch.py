"""Reads the stream in order; what is above the limit goes to the queue."""

import base64
import json
import os

import boto3
from botocore.exceptions import ClientError

sqs = boto3.client("sqs")


def handler(event, context):
    limit = float(os.environ["LIMIT"])
    for record in event["Records"]:
        kinesis = record["kinesis"]
        try:
            measured = json.loads(base64.b64decode(kinesis["data"]))
            too_high = float(measured["value"]) > limit
        except (KeyError, TypeError, ValueError) as error:
            print("not a measurement:", error)  # trying again would not make it one
            continue
        if too_high:
            try:
                sqs.send_message(QueueUrl=os.environ["ALARMS"], MessageBody=json.dumps(measured))
            except ClientError as error:
                # The rest comes again from here on; what was sent before it is not sent twice.
                print("cannot send:", error)
                return {"batchItemFailures": [{"itemIdentifier": kinesis["sequenceNumber"]}]}
    return {"batchItemFailures": []}
