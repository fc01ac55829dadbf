"""Versions of a function that are made to be tried, at several memory sizes, and removed again.

As AWS Lambda Power Tuning does it: $LATEST gets a size, a version and an alias are made of it, and
in the end $LATEST has the size it had. That is kept in a tag meanwhile, so that a run which was
killed is put right by the next one.
"""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any

ALIAS = "stoker-tune-"  # and the size
DESCRIPTION = "stoker tune"  # of each version
TAG = "stoker-tune-was"  # the size of $LATEST
_CONFLICTS = 5  # with changes of others, before it is given up
_WAIT = {"Delay": 0.05, "MaxAttempts": 2400}  # two minutes


class Trials:
    def __init__(self, aws: Any, name: str) -> None:
        self._aws = aws
        self._name = name
        self._arn = ""
        self._were: set[str] = set()  # versions that are not ours
        self._ours: dict[int, str] = {}  # by size, the latest

    def begin(self) -> dict[str, Any]:
        """Put right what a run left that was killed; the function's configuration."""
        self._arn = self._aws.get_function_configuration(FunctionName=self._name)["FunctionArn"]
        tags = self._aws.list_tags(Resource=self._arn)["Tags"]
        if tags.get(TAG, "").isdecimal():
            self._set_back(int(tags[TAG]))
        found: dict[str, Any] = self._aws.get_function_configuration(FunctionName=self._name)
        self._were = {one["Version"] for one in self._versions()}
        self._aws.tag_resource(Resource=self._arn, Tags={TAG: str(found["MemorySize"])})
        return found

    def version(self, memory_mb: int) -> str:
        """The alias of a new version of this size, of which no environment is warm; the one that
        there was of this size is removed. If the function's newest version is the same, it is
        taken, as AWS makes no other one."""
        self.resize(memory_mb)
        made = self._aws.publish_version(FunctionName=self._name, Description=DESCRIPTION)
        number: str = made["Version"]
        before = self._ours.get(memory_mb)
        alias, self._ours[memory_mb] = self.alias(memory_mb), number
        change = self._aws.update_alias if before else self._aws.create_alias
        change(FunctionName=self._name, Name=alias, FunctionVersion=number)
        active = self._aws.get_waiter("published_version_active")
        active.wait(FunctionName=self._name, Qualifier=number, WaiterConfig=_WAIT)
        if before and before != number:
            self._remove(before)
        return alias

    def alias(self, memory_mb: int) -> str:
        return f"{ALIAS}{memory_mb}"

    def resize(self, memory_mb: int, **more: Any) -> None:
        """Set the size, and what else is given, of $LATEST. Another change of it may be under way:
        what was broken off goes on by itself, and may even come after we looked."""
        updated = self._aws.get_waiter("function_updated_v2")
        change = self._aws.update_function_configuration
        for more_tries in range(_CONFLICTS, -1, -1):
            updated.wait(FunctionName=self._name, WaiterConfig=_WAIT)
            try:
                change(FunctionName=self._name, MemorySize=memory_mb, **more)
                break
            except self._aws.exceptions.ResourceConflictException:
                if not more_tries:
                    raise
        updated.wait(FunctionName=self._name, WaiterConfig=_WAIT)

    def end(self, memory_mb: int) -> None:
        """Remove all of them, and give $LATEST its size."""
        self._set_back(memory_mb)

    def _set_back(self, memory_mb: int) -> None:
        """What cannot be removed does not keep the rest from being; it is told at the end."""
        failures: list[Exception] = []
        for step in self._steps_back(memory_mb):
            try:
                step()
            except self._aws.exceptions.ResourceNotFoundException:
                pass  # somebody else was quicker
            except self._aws.exceptions.ClientError as refusal:
                failures.append(refusal)
        if failures:
            raise failures[0]

    def _steps_back(self, memory_mb: int) -> Iterator[Callable[[], Any]]:
        yield partial(self.resize, memory_mb)
        pages = self._aws.get_paginator("list_aliases").paginate(FunctionName=self._name)
        for name in [one["Name"] for page in pages for one in page["Aliases"]]:
            if name.startswith(ALIAS):
                yield partial(self._aws.delete_alias, FunctionName=self._name, Name=name)
        for one in self._versions():
            if one.get("Description") == DESCRIPTION and one["Version"] not in self._were:
                yield partial(self._remove, one["Version"])
        yield partial(self._aws.untag_resource, Resource=self._arn, TagKeys=[TAG])

    def _remove(self, number: str) -> None:
        if number not in self._were:
            self._aws.delete_function(FunctionName=self._name, Qualifier=number)

    def _versions(self) -> list[dict[str, Any]]:
        pages = self._aws.get_paginator("list_versions_by_function").paginate(
            FunctionName=self._name
        )
        return [one for page in pages for one in page["Versions"]]


@contextmanager
def ended_orderly() -> Iterator[None]:
    """SIGTERM ends the block as ^C does, by an exception."""

    def end(_number: int, _frame: object) -> None:
        raise KeyboardInterrupt

    with _handled({signal.SIGTERM: end}):
        yield


@contextmanager
def undisturbed() -> Iterator[None]:
    """Neither of them ends what clears up."""
    with _handled({signal.SIGTERM: signal.SIG_IGN, signal.SIGINT: signal.SIG_IGN}):
        yield


@contextmanager
def _handled(handlers: dict[signal.Signals, Any]) -> Iterator[None]:
    before = {}
    with suppress(ValueError):  # in another thread than the main one there are none
        before = {number: signal.signal(number, act) for number, act in handlers.items()}
    try:
        yield
    finally:
        for number, act in before.items():
            signal.signal(number, act)
