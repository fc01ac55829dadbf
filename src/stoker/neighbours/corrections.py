"""In the child: answers of moto's that differ from AWS's where clients and comparisons notice.

_HOOKS is the table of them: each function stands in the place of one of moto's.
"""

import uuid
from typing import Any

from moto.dynamodb.models.table import Table

from stoker.neighbours import triggers

TABLES = uuid.UUID("5bd3a5a1-5a0f-4d56-9a5f-0f5ab1f3c6de")  # in which the ids of tables are drawn
_INDEXES = ("GlobalSecondaryIndexes", "LocalSecondaryIndexes")

_describe = Table.describe


def _described(self: Table, base_key: str = "TableDescription") -> dict[str, Any]:
    """A table has an id, and so have its indexes ARNs and sizes. Those that it has not got are not
    listed. Only DescribeTable (whose base key is Table) tells of a warm throughput. Members are
    those of TableDescription in DynamoDB's API reference."""
    answer = _describe(self, base_key)
    told = answer[base_key]
    told["TableId"] = str(uuid.uuid5(TABLES, f"{self.table_arn} {self.created_at}"))
    if isinstance(told["ProvisionedThroughput"], dict):
        told["ProvisionedThroughput"] = {
            "NumberOfDecreasesToday": 0,
            **told["ProvisionedThroughput"],
        }
    for kind in _INDEXES:
        for index in told[kind]:
            arn = f"{self.table_arn}/index/{index['IndexName']}"
            index |= {"IndexArn": arn, "IndexSizeBytes": 0, "ItemCount": told["ItemCount"]}
        if not told[kind]:
            del told[kind]
    if base_key != "Table":
        for one in (told, *told.get("GlobalSecondaryIndexes", ())):
            one.pop("WarmThroughput", None)
    return answer


_HOOKS: tuple[tuple[Any, str, Any], ...] = ((Table, "describe", _described),)


def install() -> None:
    """Call once, before the first request."""
    triggers.hook(_HOOKS)
