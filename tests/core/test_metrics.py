"""Whose values belong to which metric, and which concurrency is told of."""

from stoker.core.concurrency import Concurrency
from stoker.core.metrics import Source, belongs, of_account, of_function, of_peaks, shown

ALIAS = of_function("1", "eu", "f", "live", "3")


def dimensions(source: Source) -> str:
    return ",".join(f"{name}={value}" for name, value in source.dimensions)


def test_an_invocation_is_seen_under_all_dimensions_of_aws() -> None:
    assert [dimensions(one) for one in shown(ALIAS, "Invocations")] == [
        "ExecutedVersion=3,FunctionName=f,Resource=f:live",
        "FunctionName=f,Resource=f:live",
        "FunctionName=f",
        "",
    ]
    latest = of_function("1", "eu", "f", None, "$LATEST")
    assert [dimensions(one) for one in shown(latest, "Errors")] == [
        "FunctionName=f,Resource=f",
        "FunctionName=f",
        "",
    ]
    assert dimensions(of_function("1", "eu", "f", "3", "3")) == "FunctionName=f,Resource=f:3"


def test_values_belong_to_nobody_else() -> None:
    whole = of_account("1", "eu")
    assert belongs(ALIAS, "Invocations", whole)
    assert not belongs(ALIAS, "ConcurrentExecutions", whole)  # that has no sum
    assert not belongs(ALIAS, "Invocations", of_account("2", "eu"))
    assert not belongs(ALIAS, "Invocations", of_account("1", "us"))
    mine = Source("1", "eu", "mine", (("a", "1"), ("b", "2")))
    assert belongs(mine, "m", mine)
    assert not belongs(mine, "m", Source("1", "eu", "mine", (("a", "1"),)))


def told(account: Concurrency) -> dict[tuple[str, str], float]:
    found = of_peaks("1", "eu", account.take_peaks())
    return {(dimensions(source), name): value for source, name, value in found}


def test_the_most_that_ran_at_a_time_is_told_of() -> None:
    account = Concurrency(10)
    account.reserve("kept", 5)
    for name in ("f", "f", "kept"):
        account.admit(name, "1")
    account.release("f", "1")
    assert told(account) == {
        ("", "ConcurrentExecutions"): 3,
        ("", "UnreservedConcurrentExecutions"): 2,
        ("", "ClaimedAccountConcurrency"): 7,  # and the four of "kept" that do not run
        ("FunctionName=f", "ConcurrentExecutions"): 2,
        ("FunctionName=kept", "ConcurrentExecutions"): 1,
    }
    account.reserve("f", 3)  # from now on it is not of what is left for everybody
    assert told(account)["", "UnreservedConcurrentExecutions"] == 1
    account.release("f", "1")
    account.release("kept", "1")
    assert told(account)["", "ClaimedAccountConcurrency"] == 8, "both reservations"
    assert told(account) == {}


def test_what_is_provisioned_is_told_of_by_version() -> None:
    account = Concurrency(10)
    account.provide("f", "1", 2)
    for _ in range(3):
        account.admit("f", "1")
    account.admit("f", "2")
    resource = "FunctionName=f,Resource=f:1"
    found = told(account)
    assert {name: value for (where, name), value in found.items() if where == resource} == {
        "ProvisionedConcurrentExecutions": 2,
        "ProvisionedConcurrencyUtilization": 1.0,
        "ProvisionedConcurrencyInvocations": 2,
        "ProvisionedConcurrencySpilloverInvocations": 1,
    }
