"""Removes what was not changed for KEEP_DAYS days."""

import os
from datetime import UTC, datetime, timedelta

import boto3

s3 = boto3.client("s3")


def handler(event, context):
    bucket = os.environ["STORE"]
    oldest = datetime.now(UTC) - timedelta(days=float(os.environ["KEEP_DAYS"]))
    removed = 0
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
        for entry in page.get("Contents", ()):
            if entry["LastModified"] < oldest:
                s3.delete_object(Bucket=bucket, Key=entry["Key"])
                removed += 1
    print("removed", removed)
    return {"removed": removed}
