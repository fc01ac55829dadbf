"""For each CSV file that is uploaded: a summary of its columns of numbers, as JSON elsewhere."""

import csv
import io
import json
import os
from urllib.parse import unquote_plus

import boto3

s3 = boto3.client("s3")


def handler(event, context):
    for record in event["Records"]:
        bucket = record["s3"]["bucket"]["name"]
        key = unquote_plus(record["s3"]["object"]["key"])
        text = s3.get_object(Bucket=bucket, Key=key)["Body"].read().decode("utf-8-sig")
        summary = json.dumps(summarise(text), indent=2)
        s3.put_object(Bucket=os.environ["RESULTS"], Key=f"{key}.json", Body=summary)
        print("summarised", key)


def summarise(text):
    """Rows, and the least, greatest and mean number of each column that has numbers only."""
    rows = list(csv.DictReader(io.StringIO(text)))
    columns = {}
    for name in rows[0] if rows else ():
        try:
            numbers = [float(row[name]) for row in rows]
        except (TypeError, ValueError):
            continue  # words, or a short row
        mean = sum(numbers) / len(numbers)
        columns[name] = {"least": min(numbers), "greatest": max(numbers), "mean": mean}
    return {"rows": len(rows), "columns": columns}
