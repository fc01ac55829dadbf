"""What is told of a batch that no function will see again, whatever it was read from. Pure.

Source: "Retain discarded batch records" of Lambda's developer guide.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from stoker.core.stream_batches import Batch, Fate


@dataclass(frozen=True, slots=True)
class Discarded:
    batch: Batch
    request_id: str  # of its last invocation
    function_arn: str
    now: float

    def context(self) -> dict[str, Any]:
        """What is the same for all sources. Of what never ran there is no response."""
        batch = self.batch
        told: dict[str, Any] = {
            "requestContext": {
                "requestId": self.request_id,
                "functionArn": self.function_arn,
                "condition": batch.fate or Fate.EXHAUSTED,
                "approximateInvokeCount": batch.attempts,
            }
        }
        if batch.last is not None:
            said = {
                "statusCode": batch.last.status,
                "executedVersion": batch.last.version,
                "functionError": batch.last.error,
            }
            told["responseContext"] = {k: v for k, v in said.items() if v is not None}
        return {**told, "version": "1.0", "timestamp": moment(self.now)}

    def object_key(self, mapping: str, place: str, unique: str) -> str:
        """Of an object in S3. `place`: the shard, or the partition."""
        at = datetime.fromtimestamp(self.now, UTC)
        return f"aws/lambda/{mapping}/{place}/{at:%Y/%m/%d/%Y-%m-%dT%H.%M.%S}-{unique}"


def moment(seconds: float) -> str:
    """As these records say it."""
    at = datetime.fromtimestamp(seconds, UTC)
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z"
