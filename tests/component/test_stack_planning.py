"""A plan is worked out beside the event loop, from what is there when it is asked for."""

import asyncio
import copy
import threading
from pathlib import Path
from typing import Any

import pytest

from stoker.core.stacks.errors import ValidationError
from stoker.core.stacks.model import Shown, Stack, Status, Wanted
from stoker.core.stacks.template import is_serverless, parse
from stoker.stacks.book import Book
from stoker.stacks.preparing import Prepared, Preparing
from stoker.stacks.stacks import Stacks, new_id
from stoker.stacks.transform import SAM, SamTransform
from stoker.stacks.transform_child import translated
from stoker.stacks.work import Around
from stoker.store.stack_store import StackStore


class Noting(dict[str, Any]):
    """A mapping of a template that knows who has looked."""

    def __init__(self, **items: Any) -> None:
        super().__init__(**items)
        self.threads: set[int] = set()

    def __getitem__(self, key: str) -> Any:
        self.threads.add(threading.get_ident())
        return super().__getitem__(key)


async def nobody(*asked: Any) -> Any:
    raise AssertionError(f"nobody is there to be asked {asked}")


def stack(name: str, *outputs: Shown) -> Stack:
    id = new_id("000000000000", "us-east-1", name)
    status = Status.CREATE_COMPLETE
    return Stack(id, "000000000000", "us-east-1", name, status, 0.0, Wanted(), outputs=outputs)


def prepared(properties: Any, mappings: Any) -> Prepared:
    queue = {"Type": "AWS::SQS::Queue", "Properties": properties}
    body = {"Mappings": mappings, "Resources": {"Queue": queue}}
    return Prepared(Wanted(body=body), parse(body))


def test_another_thread_makes_the_plan_with_the_exports_that_there_are(tmp_path: Path) -> None:
    async def main() -> None:
        around = Around(nobody, nobody, nobody, None, None)
        preparing = Preparing(nobody, SamTransform())
        stacks = Stacks(Book(StackStore(tmp_path / "stacks.db")), around, preparing)
        await stacks.start()
        try:
            await stacks.book.add(stack("other", Shown("Out", "the-name", export="name")))
            mapping = Noting(a={"b": 30})
            asked = {
                "QueueName": {"Fn::ImportValue": "name"},
                "DelaySeconds": {"Fn::FindInMap": ["M", "a", "b"]},
            }
            (change,) = await stacks.planned(stack("mine"), prepared(asked, {"M": mapping}), {})
            assert (change.action, change.logical) == ("Add", "Queue")
            assert mapping.threads
            assert threading.get_ident() not in mapping.threads
            without = prepared({"QueueName": {"Fn::ImportValue": "no"}}, {})
            with pytest.raises(ValidationError, match="No export named no found"):
                await stacks.planned(stack("mine"), without, {})
        finally:
            await stacks.close()

    asyncio.run(main())


def test_what_has_nothing_serverless_comes_back_from_the_translator_as_it_was() -> None:
    """So it is not asked: half of what `sam deploy` brings is of that kind."""
    policy = {"Statement": [{"Effect": "Allow", "Action": "*", "Resource": {"Ref": "Files"}}]}
    body = {
        "Description": "of all sections one",
        "Metadata": {"Any": {"thing": [1]}},
        "Parameters": {"Stage": {"Type": "String", "Default": "dev"}},
        "Mappings": {"M": {"dev": {"Size": 128}}},
        "Conditions": {"IsDev": {"Fn::Equals": [{"Ref": "Stage"}, "dev"]}},
        "Resources": {
            "Files": {"Type": "AWS::S3::Bucket", "Condition": "IsDev", "DeletionPolicy": "Retain"},
            "Policy": {
                "Type": "AWS::S3::BucketPolicy",
                "DependsOn": ["Files"],
                "Properties": {"Bucket": {"Ref": "Files"}, "PolicyDocument": policy},
            },
            "Fn": {
                "Type": "AWS::Lambda::Function",
                "Properties": {
                    "MemorySize": {"Fn::FindInMap": ["M", {"Ref": "Stage"}, "Size"]},
                    "Role": {"Fn::Sub": "arn:aws:iam::${AWS::AccountId}:role/r"},
                },
            },
        },
        "Outputs": {"Name": {"Value": {"Fn::GetAtt": "Files.Arn"}}},
    }
    assert not is_serverless(body)
    asked = {"body": {"Transform": SAM, **copy.deepcopy(body)}, "values": {"Stage": "dev"}}
    assert translated({**asked, "region": "eu-central-1"}) == body


@pytest.mark.parametrize(
    "changed",
    [
        {"Globals": {}},
        {"Resources": {"F": {"Type": "AWS::Serverless::Function"}}},
        {"Resources": {"Q": {"Type": "AWS::SQS::Queue", "Connectors": {}}}},
        {"Resources": []},
        {"Resources": {"Q": "none"}},
    ],
)
def test_all_else_is_brought_to_the_translator(changed: dict[str, Any]) -> None:
    assert is_serverless({"Resources": {}, **changed})
