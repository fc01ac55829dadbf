"""An API of notes. `routeKey` says which of the template's routes was asked for."""

import base64
import json
import os
import uuid

import boto3

notes = boto3.resource("dynamodb").Table(os.environ["NOTES"])


def handler(event, context):
    id = event.get("pathParameters", {}).get("id")
    match event["routeKey"]:
        case "GET /notes":
            return answer(200, notes.scan()["Items"])
        case "POST /notes":
            return add(event)
        case "GET /notes/{id}":
            found = notes.get_item(Key={"id": id}).get("Item")
            return answer(200, found) if found else answer(404, {"message": f"no note {id}"})
        case "DELETE /notes/{id}":
            notes.delete_item(Key={"id": id})
            return {"statusCode": 204}


def add(event):
    body = event.get("body") or ""
    try:
        text = json.loads(base64.b64decode(body) if event["isBase64Encoded"] else body)["text"]
    except (KeyError, TypeError, ValueError):
        return answer(400, {"message": 'a note is {"text": "..."}'})
    note = {"id": uuid.uuid4().hex, "text": str(text)}
    notes.put_item(Item=note)
    return answer(201, note)


def answer(status, content):
    headers = {"content-type": "application/json"}
    return {"statusCode": status, "headers": headers, "body": json.dumps(content)}
