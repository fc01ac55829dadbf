"""AWS's prices of Lambda in dollars, each with the day from which it holds and where it was read.

Nothing is worked out here: that is core/prices.py.
"""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final

MILLION: Final = 1_000_000


class Item(StrEnum):
    """What AWS counts; the values are the names of our metrics."""

    REQUESTS = "Requests"
    DURATION = "DurationGBSeconds"  # on demand
    INIT = "InitGBSeconds"  # of managed runtimes, on demand: once it was not billed
    PROVISIONED = "ProvisionedGBSeconds"  # kept ready, used or not
    PROVISIONED_DURATION = "ProvisionedDurationGBSeconds"  # what ran there, with its init
    STORAGE = "StorageGBSeconds"  # of /tmp, beyond 512 MB, while something runs
    CACHED = "SnapshotCacheGBSeconds"
    RESTORED = "SnapshotRestoredGB"
    STREAMED = "StreamedGB"  # of answers, beyond 6 MB each


@dataclass(frozen=True, slots=True)
class Rate:
    """Of us-east-1, for one unit of the item."""

    item: Item
    architecture: str
    dollars: float
    since: date
    source: str


@dataclass(frozen=True, slots=True)
class Region:
    """Where another region differs. Of arm64, AWS takes 80 % for what is provisioned."""

    duration: float
    arm_duration: float
    million_requests: float
    provisioned: float
    provisioned_duration: float
    storage: float


X86: Final = "x86_64"
ARM: Final = "arm64"
ARM_PROVISIONED: Final = 0.8  # 0.0000033334 of 0.0000041667, and so wherever it was looked up

READ_ON: Final = date(2026, 9, 19)  # AWS's price list of Lambda that these were compared with
_LIST = "AWS price list, AWSLambda, us-east-1, of 2025-10-01 and 2026-09-19"
_BY_MS = (
    "https://aws.amazon.com/blogs/aws/new-for-aws-lambda-1ms-billing-granularity-adds-cost-savings/"
)
_PER_MS = date(2020, 12, 1)  # before, each 100 ms was billed
_ON_ARM = date(2021, 9, 29)
_TMP = date(2022, 3, 24)
_STREAMS = date(2023, 4, 7)
_SNAPSHOTS = date(2024, 11, 18)  # of Python and .NET; Java's cost nothing
_INIT = date(2025, 8, 1)
_INIT_SAYS = "https://aws.amazon.com/blogs/compute/aws-lambda-standardizes-billing-for-init-phase/"

RATES: Final = (
    Rate(Item.REQUESTS, X86, 0.20 / MILLION, _PER_MS, _LIST),
    Rate(Item.REQUESTS, ARM, 0.20 / MILLION, _ON_ARM, _LIST),
    Rate(Item.DURATION, X86, 0.0000166667, _PER_MS, _BY_MS),
    Rate(Item.DURATION, ARM, 0.0000133334, _ON_ARM, _LIST),
    Rate(Item.INIT, X86, 0.0, _PER_MS, _INIT_SAYS),
    Rate(Item.INIT, ARM, 0.0, _ON_ARM, _INIT_SAYS),
    Rate(Item.INIT, X86, 0.0000166667, _INIT, _INIT_SAYS),
    Rate(Item.INIT, ARM, 0.0000133334, _INIT, _INIT_SAYS),
    Rate(Item.PROVISIONED, X86, 0.0000041667, _PER_MS, _LIST),
    Rate(Item.PROVISIONED, ARM, 0.0000033334, _ON_ARM, _LIST),
    Rate(Item.PROVISIONED_DURATION, X86, 0.0000097222, _PER_MS, _LIST),
    Rate(Item.PROVISIONED_DURATION, ARM, 0.0000077778, _ON_ARM, _LIST),
    Rate(Item.STORAGE, X86, 0.0000000309, _TMP, _LIST),
    Rate(Item.STORAGE, ARM, 0.0000000309, _TMP, _LIST),
    Rate(Item.CACHED, X86, 0.0000015046, _SNAPSHOTS, _LIST),
    Rate(Item.CACHED, ARM, 0.0000015046, _SNAPSHOTS, _LIST),
    Rate(Item.RESTORED, X86, 0.0001397998, _SNAPSHOTS, _LIST),
    Rate(Item.RESTORED, ARM, 0.0001397998, _SNAPSHOTS, _LIST),
    Rate(Item.STREAMED, X86, 0.008, _STREAMS, _LIST),
    Rate(Item.STREAMED, ARM, 0.008, _STREAMS, _LIST),
)

# Of a month's GB-seconds in one region: from where on, and which part of the first price is taken.
# https://aws.amazon.com/lambda/pricing/, since August 2022.
TIERS: Final = {
    X86: ((0.0, 1.0), (6e9, 0.9), (15e9, 0.8)),
    ARM: ((0.0, 1.0), (7.5e9, 0.9), (18.75e9, 0.8)),
}
TIERS_SINCE: Final = date(2022, 8, 1)

# calculator.aws/pricing/2.0/meteredUnitMaps/lambda/USD/current/lambda.json, after August 2024 (it
# has ap-southeast-5); the durations of 2026-09-19 are the same. Prices of SnapStart and of
# streaming are not in it: those of us-east-1 are taken.
REGIONS: Final = {
    "af-south-1": Region(2.21e-5, 1.768e-5, 0.27, 5.53e-6, 1.29e-5, 4.04e-8),
    "ap-east-1": Region(2.292e-5, 1.83e-5, 0.28, 5.7153e-6, 1.33358e-5, 4.07e-8),
    "ap-northeast-1": Region(1.66667e-5, 1.33334e-5, 0.20, 5.3835e-6, 1.25615e-5, 3.70e-8),
    "ap-northeast-2": Region(1.66667e-5, 1.33334e-5, 0.20, 5.1254e-6, 1.19592e-5, 3.52e-8),
    "ap-northeast-3": Region(1.66667e-5, 1.33334e-5, 0.20, 5.3835e-6, 1.25615e-5, 3.70e-8),
    "ap-south-1": Region(1.66667e-5, 1.33334e-5, 0.20, 4.4985e-6, 1.04966e-5, 3.52e-8),
    "ap-southeast-1": Region(1.66667e-5, 1.33334e-5, 0.20, 5.1991e-6, 1.21313e-5, 3.70e-8),
    "ap-southeast-2": Region(1.66667e-5, 1.33334e-5, 0.20, 5.2360e-6, 1.22173e-5, 3.70e-8),
    "ap-southeast-4": Region(1.66667e-5, 1.33334e-5, 0.20, 5.2360e-6, 1.22173e-5, 3.70e-8),
    "ap-southeast-5": Region(1.5e-5, 1.2e-5, 0.18, 4.6791e-6, 1.09181e-5, 3.33e-8),
    "ca-central-1": Region(1.66667e-5, 1.33334e-5, 0.20, 4.6460e-6, 1.08407e-5, 3.40e-8),
    "eu-central-1": Region(1.66667e-5, 1.33334e-5, 0.20, 5.0147e-6, 1.17011e-5, 3.67e-8),
    "eu-central-2": Region(1.83334e-5, 1.46667e-5, 0.22, 5.5162e-6, 1.28712e-5, 4.41e-8),
    "eu-north-1": Region(1.66667e-5, 1.33334e-5, 0.20, 4.4248e-6, 1.03245e-5, 3.23e-8),
    "eu-south-1": Region(1.95172e-5, 1.56138e-5, 0.23, 4.8783e-6, 1.13827e-5, 3.57e-8),
    "eu-west-1": Region(1.66667e-5, 1.33334e-5, 0.20, 4.6460e-6, 1.08407e-5, 3.40e-8),
    "eu-west-2": Region(1.66667e-5, 1.33334e-5, 0.20, 4.8304e-6, 1.12709e-5, 3.58e-8),
    "eu-west-3": Region(1.66667e-5, 1.33334e-5, 0.20, 4.8673e-6, 1.13569e-5, 3.58e-8),
    "me-south-1": Region(2.06667e-5, 1.65334e-5, 0.25, 5.1108e-6, 1.19251e-5, 3.74e-8),
    "sa-east-1": Region(1.66667e-5, 1.33334e-5, 0.20, 6.6372e-6, 1.54867e-5, 5.86e-8),
    "us-west-1": Region(1.66667e-5, 1.33334e-5, 0.20, 4.9041e-6, 1.14430e-5, 3.70e-8),
}  # fmt: skip
SAME: Final = ("us-east-1", "us-east-2", "us-west-2")  # as the rates above
