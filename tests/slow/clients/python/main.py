"""One function with a part per case, for AWS's own Python client. The event's "do" chooses."""

import os
import time
from typing import Any

count = 0

if os.environ.get("INIT") == "exit":
    os._exit(7)


class Refused(Exception):
    pass


def handler(event: dict[str, Any], context: Any) -> Any:
    global count
    print("asked to", event["do"])
    match event["do"]:
        case "echo":
            return event["value"]
        case "count":
            count += 1
            return count
        case "error":
            raise Refused("not today")
        case "bench":
            count += 1
            return {"count": count, "data": event["data"]}
        case "panic":
            os.abort()
        case "exit":
            os._exit(7)
        case "sleep":
            time.sleep(3600)
        case "length":
            return len(event["data"])
        case "large":
            return "x" * event["size"]
        case "context":
            return describe(context)
    raise Refused(f"unknown: {event['do']}")


def describe(context: Any) -> dict[str, Any]:
    client = context.client_context
    return {
        "request_id": context.aws_request_id,
        "arn": context.invoked_function_arn,
        "trace": os.environ.get("_X_AMZN_TRACE_ID"),
        "remaining_ms": context.get_remaining_time_in_millis(),
        "app_title": client.client.app_title if client else "",
        "custom": client.custom if client else {},
        "function": context.function_name,
        "memory_mb": int(context.memory_limit_in_mb),
    }
