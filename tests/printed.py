"""What functions have printed, as CloudWatch Logs has it."""

from typing import Any


def printed(logs: Any, function: str, mark: str) -> list[str]:
    """Behind this word, of each line that has it."""
    try:
        pages = logs.get_paginator("filter_log_events").paginate(
            logGroupName=f"/aws/lambda/{function}", filterPattern=mark
        )
        lines = [event["message"] for page in pages for event in page["events"]]
    except logs.exceptions.ResourceNotFoundException:
        return []
    return [line.partition(f"{mark} ")[2] for line in lines]
