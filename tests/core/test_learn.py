"""The course as data: what each experiment must have, and what its judge says of other outcomes."""

from base64 import b64encode
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from stoker.core.learning import ACCOUNTS, GROWTH, LIMITS, ORDINARY, TIME_SCALE, time_scale
from stoker.core.report_lines import Measured
from stoker.learn.answers import Answer, Outcome, answer_of
from stoker.learn.course import EXPERIMENTS
from stoker.learn.experiment import Experiment
from stoker.learn.experiments import reuse

every = pytest.mark.parametrize("one", EXPERIMENTS, ids=lambda one: one.name)


@every
def test_an_experiment_says_what_is_learned_and_who_says_so_on_aws(one: Experiment) -> None:
    assert one.learns.endswith(".")
    assert one.on_aws.endswith(".")
    assert one.pages
    assert one.steps
    assert one.functions
    assert one.account in ACCOUNTS
    for page in one.pages:
        assert urlsplit(page.url).hostname == "docs.aws.amazon.com"


@every
def test_what_an_experiment_makes_is_known_by_its_name(one: Experiment) -> None:
    names = [*(made.name for made in one.every_function), *one.queues, *one.layers]
    assert all(name.startswith(f"learn-{one.name}") for name in names)


def test_no_two_experiments_make_the_same_thing() -> None:
    names = [one.name for one in EXPERIMENTS]
    names += [made.name for one in EXPERIMENTS for made in one.every_function]
    names += [name for one in EXPERIMENTS for name in (*one.queues, *one.layers)]
    assert len(names) == len(set(names))


MEASURED = Measured(duration_ms=1.5, billed_ms=2, memory_mb=128, max_memory_mb=40)
ENVIRONMENT = "2026/11/22/[$LATEST]ab"


def answered(calls: int, init_ms: float = 0.0, environment: str = ENVIRONMENT) -> Outcome:
    payload = {"calls": calls, "notes": calls, "environment": environment}
    measured = replace(MEASURED, init_ms=init_ms)
    return Outcome((Answer({}, payload, measured=measured),))


def test_a_judge_goes_by_what_was_observed() -> None:
    good = [answered(1, init_ms=80.0), answered(2), answered(3)]
    assert all(claim.holds for claim in reuse.EXPERIMENT.judge(good))
    wrong = {
        "never cold": [answered(1), answered(2), answered(3)],
        "always cold": [answered(1, 80.0), answered(2, 80.0), answered(3)],
        "another environment": [answered(1, 80.0), answered(2, environment="other"), answered(3)],
        "forgotten": [answered(1, 80.0), answered(1), answered(2)],
        "refused": [answered(1, 80.0), answered(2), Outcome((Answer({}, refused=True),))],
    }
    for what, seen in wrong.items():
        assert not all(claim.holds for claim in reuse.EXPERIMENT.judge(seen)), what


@every
def test_a_judge_has_an_answer_when_everything_was_refused(one: Experiment) -> None:
    """A sentence, and no exception: the learner sees what was refused."""
    refused = Answer({}, error="ServiceException", refused=True, message="no capacity")
    claims = one.judge([Outcome((refused,)) for _ in one.steps])
    assert claims
    assert not all(claim.holds for claim in claims)


def test_an_answer_is_read_with_its_report() -> None:
    log = (
        "START RequestId: r-1 Version: $LATEST\n"
        "REPORT RequestId: r-1\tDuration: 1.50 ms\tBilled Duration: 82 ms\tMemory Size: 128 MB\t"
        "Max Memory Used: 40 MB\tInit Duration: 80.12 ms\t\n"
    )
    read = answer_of(
        {"n": 1},
        {
            "Payload": b'{"calls": 1}',
            "LogResult": b64encode(log.encode()).decode(),
            "ExecutedVersion": "$LATEST",
            "ResponseMetadata": {"RequestId": "r-1"},
        },
    )
    assert read.cold
    assert read.told("calls") == 1
    assert read.told("nothing") is None
    assert answer_of({}, {"Payload": b"no JSON \xff"}).payload == "no JSON \ufffd"
    assert answer_of({}, {"Payload": b"[" * 100_000}).payload == "[" * 16 * 1024
    assert answer_of({}, {"Payload": b"1", "FunctionError": "Unhandled"}).error == "Unhandled"


def test_time_is_faster_in_the_accounts_of_experiments_only() -> None:
    assert time_scale("000000000000", 1.0) == 1.0
    assert time_scale(ORDINARY, 1.0) == TIME_SCALE
    assert time_scale(ORDINARY, 1000.0) == 1000.0, "as fast as the operator wants it"


def test_every_account_that_is_special_is_one_of_experiments() -> None:
    assert {*LIMITS, *GROWTH} < {*ACCOUNTS}


@every
def test_the_guide_names_each_experiment(one: Experiment) -> None:
    guide = Path(__file__).parents[2] / "docs" / "guide" / "learn.md"
    assert f"| `{one.name}` |" in guide.read_text()
