"""The experiments, in the order in which a beginner's course has them."""

from typing import Final

from stoker.learn.experiment import Experiment
from stoker.learn.experiments import (
    apart,
    background,
    client,
    cold_start,
    concurrent,
    log_stream,
    reuse,
    timeout,
    warmer,
)

EXPERIMENTS: Final[tuple[Experiment, ...]] = (
    timeout.EXPERIMENT,
    reuse.EXPERIMENT,
    log_stream.EXPERIMENT,
    client.EXPERIMENT,
    background.EXPERIMENT,
    concurrent.EXPERIMENT,
    apart.EXPERIMENT,
    cold_start.EXPERIMENT,
    warmer.EXPERIMENT,
)
