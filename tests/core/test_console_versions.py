"""What the pages of versions, aliases and concurrency make of what there is."""

import pytest

from stoker.console.pages import concurrency, versions
from stoker.core.aliases import Alias, AliasKey
from stoker.core.concurrency import Standing
from stoker.core.errors import InvalidParameterValueException
from stoker.core.invocation import LogSettings
from stoker.core.metrics import of_account, of_function
from stoker.core.model import Code, Configuration, FunctionKey, State
from stoker.core.versions import Version, VersionKey

KEY = FunctionKey("000000000000", "eu-central-1", "f")
PLACE = (KEY.account, KEY.region)


def alias(name: str, version: str, **weights: float) -> Alias:
    others = {key.removeprefix("v"): weight for key, weight in weights.items()}
    return Alias(AliasKey(KEY, name), version, "r", weights=others)


def test_a_metric_tells_through_which_alias_which_version_was_executed() -> None:
    assert versions.executed(of_function(*PLACE, "f", "prod", "3")) == ("prod", "3")
    assert versions.executed(of_function(*PLACE, "f", "3", "3")) == ("", "3")
    assert versions.executed(of_function(*PLACE, "f", None, "$LATEST")) == ("", "$LATEST")
    assert versions.executed(of_account(*PLACE, ("FunctionName", "f"))) is None


def test_an_alias_shows_what_is_wanted_beside_where_invocations_went() -> None:
    went = {("prod", "1"): 90, ("prod", "2"): 10, ("prod", "7"): 3, ("", "2"): 5, ("dev", "1"): 1}
    row = versions.alias_row(alias("prod", "1", v2=0.1), went)
    assert [(s.version, s.percent, s.went) for s in row.shares] == [
        ("1", 90, 90), ("2", 10, 10), ("7", 0, 3),
    ]  # fmt: skip
    assert (row.version, row.other, row.percent, row.total) == ("1", "2", 10, 103)
    plain = versions.alias_row(alias("test", "4"), went)
    assert (plain.other, plain.percent, plain.total) == ("", 0, 0)
    assert [(s.version, s.percent) for s in plain.shares] == [("4", 100)]


def test_versions_are_the_newest_first_with_the_aliases_that_lead_to_them() -> None:
    configuration = Configuration(
        "python3.12", "main.handler", "", Code("ab" * 32, 300), LogSettings("/aws/lambda/f")
    )
    found = versions.version_rows(
        [
            Version(VersionKey(KEY, n), configuration, "", State.ACTIVE, "r", "2026-11-22T10:00:00")
            for n in (1, 2)
        ],
        [alias("prod", "1", v2=0.1), alias("dev", "$LATEST")],
        {("prod", "2"): 10, ("", "2"): 5, ("prod", "12"): 1},
    )
    assert [(one.number, one.aliases, one.went) for one in found] == [
        ("2", ("prod",), 15), ("1", ("prod",), 0),
    ]  # fmt: skip
    assert found[0].published == "2026-11-22 10:00:00"


@pytest.mark.parametrize(
    ("percent", "weight"), [("0", 0), ("12.5", 0.125), ("100", 1), ("", 0), ("33.3333", 0.333333)]
)
def test_a_slider_is_a_weight(percent: str, weight: float) -> None:
    found = versions.routing({"Other": " 2 ", "Percent": percent}, {})
    assert found == {"RoutingConfig": {"AdditionalVersionWeights": {"2": weight}}}
    assert versions.routing({"Other": "", "Percent": percent}, {"a": 1}) == {"a": 1}


@pytest.mark.parametrize("percent", ["-1", "101", "nan", "inf", "x"])
def test_what_is_no_share_is_no_weight(percent: str) -> None:
    with pytest.raises(InvalidParameterValueException):
        versions.routing({"Other": "2", "Percent": percent}, {})


def test_provisioned_concurrency_is_shown_with_what_of_it_works() -> None:
    def config(qualifier: str, status: str, **more: str) -> dict[str, object]:
        return {
            "FunctionArn": f"{KEY.arn}:{qualifier}",
            "RequestedProvisionedConcurrentExecutions": 5,
            "AllocatedProvisionedConcurrentExecutions": 4,
            "Status": status,
            **more,
        }

    found = concurrency.rows(
        [config("prod", "IN_PROGRESS"), config("7", "FAILED", StatusReason="No room.")],
        [alias("prod", "1", v2=0.1)],
        {"1": 2, "2": 1, "7": 3},
    )
    assert [(one.qualifier, one.versions, one.used) for one in found] == [
        ("prod", ("1", "2"), 3), ("7", ("7",), 3),
    ]  # fmt: skip
    assert [(one.requested, one.ready, one.mood, one.why) for one in found] == [
        (5, 4, "busy", ""), (5, 4, "bad", "No room."),
    ]  # fmt: skip
    standings = [Standing(3, None, 0), Standing(0, 100, 5), Standing(0, 0, 0), Standing(1, None, 7)]
    assert concurrency.unreserved(1000, standings) == 1000 - 100 - 7
