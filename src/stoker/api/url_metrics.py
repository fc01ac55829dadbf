"""What is counted of the requests that a function's URL gets, as
https://docs.aws.amazon.com/lambda/latest/dg/urls-monitoring.html has it."""

import time

from stoker.core.function_urls import FunctionUrl
from stoker.core.metrics import of_function
from stoker.observe.metrics import Metrics


class UrlRequest:
    """One request, from its begin on; `version` is known once it is resolved."""

    __slots__ = ("_began", "_metrics", "_url", "version")

    def __init__(self, metrics: Metrics, url: FunctionUrl) -> None:
        self._metrics = metrics
        self._url = url
        self._began = time.monotonic()
        self.version = ""

    def answered(self, status: int) -> None:
        """All of its answer is out."""
        qualifier = self._url.key.qualifier
        key = self._url.key.function
        source = of_function(
            key.account, key.region, key.name, qualifier, self.version or qualifier
        )
        found = {
            "UrlRequestCount": 1.0,
            "Url4xxCount": float(400 <= status < 500),
            "Url5xxCount": float(status >= 500),
            "UrlRequestLatency": (time.monotonic() - self._began) * 1000,
        }
        self._metrics.add_all(source, found)
