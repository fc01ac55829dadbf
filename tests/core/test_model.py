"""What can become of a function."""

from dataclasses import replace
from itertools import count

import pytest

from stoker.core import model
from stoker.core.errors import ResourceConflictException
from stoker.core.invocation import LogSettings
from stoker.core.model import Code, Configuration, Function, FunctionKey, State, UpdateStatus

KEY = FunctionKey("123456789012", "us-east-1", "f")
OLD = Configuration(
    runtime="python3.11",
    handler="main.handler",
    role="arn:aws:iam::123456789012:role/r",
    code=Code("a" * 64, 100),
    log=LogSettings(group="/aws/lambda/f"),
    creation="made",
)
NEW = replace(OLD, memory_mb=512)
revisions = (f"r{n}" for n in count())


def created(revision: str = OLD.creation) -> Function:
    return model.new_function(KEY, OLD, {}, revision=revision, now="then")


def active(made: str = OLD.creation) -> Function:
    return model.activated(created(made), revision=next(revisions))


def update(function: Function) -> Function:
    return model.updated(function, NEW, revision=next(revisions), now="now")


def fail(function: Function) -> Function:
    return model.failed(function, "no such thing", "InvalidRuntime", revision=next(revisions))


def test_a_new_function_serves_nothing_until_it_is_active() -> None:
    function = created()
    assert (function.state, function.serving, function.update_status) == (
        State.PENDING,
        None,
        None,
    )
    assert function.state_reason == "The function is being created."
    function = model.activated(function, revision="r")
    assert (function.state, function.state_reason, function.serving) == (State.ACTIVE, None, OLD)
    assert function.update_status is UpdateStatus.SUCCESSFUL


def test_the_old_configuration_serves_until_the_new_one_is_ready() -> None:
    function = update(active())
    assert (function.latest, function.serving) == (NEW, OLD)
    assert function.update_status is UpdateStatus.IN_PROGRESS
    assert model.activated(function, revision="r").serving == NEW


def test_a_failed_update_leaves_the_old_configuration_serving() -> None:
    function = fail(update(active()))
    assert (function.state, function.serving) == (State.ACTIVE, OLD)
    assert function.update_status is UpdateStatus.FAILED
    assert function.update_reason == "no such thing"
    assert update(function).update_status is UpdateStatus.IN_PROGRESS  # and can be tried again


def test_a_failed_creation_serves_nothing_and_says_why() -> None:
    function = fail(created())
    assert (function.state, function.serving) == (State.FAILED, None)
    assert (function.state_reason, function.state_reason_code) == (
        "no such thing",
        "InvalidRuntime",
    )
    again = model.restoring(function, revision="r")
    assert (again.state, again.unsettled) == (State.PENDING, True)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (created(), "The function is currently in the following state: Pending"),
        (fail(created()), "The function is currently in the following state: Failed"),
        (update(active()), f"An update is in progress for resource: {KEY.arn}"),
    ],
)
def test_what_is_not_settled_cannot_be_updated(function: Function, message: str) -> None:
    with pytest.raises(ResourceConflictException) as refusal:
        update(function)
    assert refusal.value.message == (f"The operation cannot be performed at this time. {message}")


def test_every_step_has_a_revision_of_its_own() -> None:
    """Visit all states by all steps: who holds an old revision must always find out."""
    frontier, seen = [created()], set()
    while frontier:
        before = frontier.pop()
        shape = (before.state, before.update_status, before.latest, before.serving)
        if repr(shape) in seen:
            continue
        seen.add(repr(shape))
        steps = [lambda f: model.activated(f, revision=next(revisions)), fail]
        if not before.unsettled:
            steps = [update] if before.state is State.ACTIVE else []
        for step in steps:
            after = step(before)
            assert after.revision_id != before.revision_id
            assert (after.serving is None) == (after.state is not State.ACTIVE)
            frontier.append(after)
    assert len(seen) > 5


def test_unsettled_is_exactly_what_still_needs_work() -> None:
    assert created().unsettled
    assert update(active()).unsettled
    assert not active().unsettled
    assert not fail(created()).unsettled
    assert not fail(update(active())).unsettled


def test_a_function_needs_the_code_it_shows_and_the_code_it_serves() -> None:
    other = replace(OLD, code=Code("b" * 64, 7))
    function = model.updated(active(), other, revision="r", now="now")
    assert function.digests == {"a" * 64, "b" * 64}
    assert model.activated(function, revision="r2").digests == {"b" * 64}


def test_two_functions_with_the_same_everything_are_different_targets() -> None:
    other = replace(KEY, name="g")
    assert model.target(KEY, OLD).key != model.target(other, OLD).key
    assert model.target(KEY, OLD).key == model.target(KEY, replace(OLD)).key
    assert model.target(KEY, OLD).key != model.target(KEY, NEW).key


def test_a_function_that_is_made_again_shares_no_environment_with_the_one_before() -> None:
    first, second = active("r1"), active("r2")
    assert model.target(KEY, first.latest).key != model.target(KEY, second.latest).key
    again = active("r1")
    assert model.target(KEY, first.latest).key == model.target(KEY, again.latest).key
