"""The experiments, in the order in which a beginner's course has them."""

from typing import Final

from stoker.learn.experiment import Experiment
from stoker.learn.experiments import (
    account_limit,
    aliases,
    apart,
    background,
    bash_runtime,
    burst,
    client,
    cold_start,
    concurrent,
    extension,
    log_stream,
    memory,
    reserved,
    retries,
    reuse,
    shared_layer,
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
    burst.EXPERIMENT,
    account_limit.EXPERIMENT,
    extension.EXPERIMENT,
    retries.EXPERIMENT,
    reserved.EXPERIMENT,
    aliases.EXPERIMENT,
    shared_layer.EXPERIMENT,
    bash_runtime.EXPERIMENT,
    memory.EXPERIMENT,
)
