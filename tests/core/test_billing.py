"""What AWS would bill is counted as it happens, by what the version was set to then."""

import random
from dataclasses import replace

import pytest

from stoker.core.invocation import Invocation, LogSettings, RequestId, Target
from stoker.core.invocation_price import streamed, terms
from stoker.core.metrics import BILLING
from stoker.core.price_list import ARM, READ_ON, Item
from stoker.core.report_lines import Measured
from stoker.core.telemetry import billed_in_all, billed_ms
from stoker.observe.metrics import LISTED, Metrics

TARGET = Target(
    "1", "eu", "f", "$LATEST", "python3.13", "main.handler", "role", "code", (), 1024, 3, 512, (),
    LogSettings("group"), architecture=ARM,
)  # fmt: skip


def invocation(target: Target = TARGET) -> Invocation:
    return Invocation(RequestId("id"), target, b"", target.arn)


def billed(metrics: Metrics) -> dict[str, float]:
    """All that was, by the metric's name."""
    found: dict[str, float] = {}
    for (source, _), values in metrics.take().items():
        if source.namespace == BILLING:
            assert source.dimensions == (("Architecture", ARM), ("FunctionName", "f"))
            for name, one in values.items():
                found[name.name] = found.get(name.name, 0.0) + one.total
    return found


def test_times_are_billed_as_their_reports_say() -> None:
    chance = random.Random(7)
    times = [chance.choice([0.0, 0.004, 0.5, 1.0, 1.001, 1.006, 99.994, 99.996]) for _ in range(99)]
    times += [chance.uniform(0, 3000) for _ in range(999)]
    assert billed_in_all(times) == sum(billed_ms(one, None) for one in times)


def test_invocations_are_billed_by_memory_and_storage() -> None:
    metrics = Metrics()
    for _ in range(LISTED + 1):
        metrics.invoked(invocation(), 0.0, 9.5, 40, failed=False)
    larger = replace(TARGET, memory_mb=2048, ephemeral_mb=1536)
    metrics.invoked(invocation(larger), 0.0, 1000.0, 40, failed=True)
    metrics.invoked(invocation(), 0.0, 1000.0, 40, failed=False)
    assert billed(metrics) == pytest.approx(
        {
            "Requests": LISTED + 3,
            "DurationGBSeconds": (LISTED + 1) * 0.010 + 2.0 + 1.0,
            "StorageGBSeconds": 1.0,
        }
    )
    assert billed(metrics) == {}, "it was taken"


def test_what_ran_on_what_is_provisioned_is_billed_as_that() -> None:
    metrics = Metrics()
    metrics.provisioned(invocation(), 0.0, 10)
    metrics.invoked(invocation(), 0.0, 9.5, 40, failed=False)
    metrics.invoked(invocation(), 0.0, 1000.0, 40, failed=False)  # found no place there
    metrics.bill(TARGET, {Item.PROVISIONED: 60.0})
    assert billed(metrics) == pytest.approx(
        {
            "Requests": 2,
            "ProvisionedDurationGBSeconds": 0.010,
            "DurationGBSeconds": 1.0,
            "ProvisionedGBSeconds": 60.0,
        }
    )


def test_of_a_streamed_answer_six_megabytes_are_free() -> None:
    assert streamed(6 << 20) == 0
    assert streamed(7 << 20) == pytest.approx(1 / 1024)


def configuration(**more: object) -> dict[str, object]:
    return {"Runtime": "python3.13", "MemorySize": 512, "Architectures": [ARM], **more}


def test_one_invocation_is_priced_from_its_report() -> None:
    of = terms(configuration(), "us-east-1", READ_ON)
    warm = of.dollars(Measured(99.2, 100, 512, 40))
    assert warm == pytest.approx(0.05 * 0.0000133334 + 0.2e-6)
    dated = f"arm64, us-east-1, prices of {READ_ON})"
    assert of.line(Measured(99.2, 100, 512, 40)) == f"on AWS $0.000000867 (100 ms x 512 MB, {dated}"
    cold = of.line(Measured(10.5, 100, 512, 40, init_ms=88.4))
    assert cold == f"on AWS $0.000000867 (100 ms x 512 MB, 89 ms of it init, {dated}"
    small = of.brief(Measured(99.2, 100, 256, 40))
    assert small == f"on AWS $0.000000533 (prices of {READ_ON})", "of the size in the report"
    larger = terms(configuration(EphemeralStorage={"Size": 1536}), "us-east-1", READ_ON)
    assert larger.dollars(Measured(99.2, 100, 512, 40)) == pytest.approx(warm + 0.1 * 3.09e-8)
    ready = terms(configuration(), "xx-1", READ_ON, provisioned=True)
    assert ready.line(Measured(99.2, 100, 512, 40)) == (
        "on AWS $0.000000589 (100 ms x 512 MB, provisioned, arm64, xx-1"
        f" at us-east-1's prices of {READ_ON})"
    )


def test_a_restore_is_billed_but_java_s() -> None:
    restored = Measured(1.0, 4, 512, 40, restore_ms=20.0, billed_restore_ms=3)
    python = terms(configuration(), "us-east-1", READ_ON)
    java = terms(configuration(Runtime="java21"), "us-east-1", READ_ON)
    assert python.dollars(restored) - java.dollars(restored) == pytest.approx(0.5 * 0.0001397998)
    assert "restored" in python.line(restored)
    assert "restored" not in java.line(restored)
