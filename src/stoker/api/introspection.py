"""What is inside, for those who look: GET /_stoker/api/environments.

{"environments": [{"id": …, "function": …, "version": …, "account": …, "region": …,
    "phase": "Idle", "frozen": true, "request_id": null, "waiting_for": ["runtime"],
    "log_stream": …, "pids": [4711],
    "steps": [{"name": "create", "ms": 0.7}, …],            the cold start, in order
    "phases": [{"phase": "Init", "began_ms": 1795305600000.0, "ms": 3.1}, …]}]}
"""

import orjson

from stoker.api.control import Control
from stoker.http.base import Exchange


async def environments(control: Control, exchange: Exchange) -> None:
    """Answer with one entry per execution environment."""
    shown = [
        {
            "id": view.id,
            "function": view.target.name,
            "version": view.target.version,
            "account": view.target.account,
            "region": view.target.region,
            "phase": view.phase,
            "frozen": view.frozen,
            "request_id": view.request_id,
            "waiting_for": view.waiting_for,
            "log_stream": view.log_stream,
            "pids": view.pids,
            "steps": [{"name": name, "ms": round(ms, 3)} for name, ms in view.steps],
            "phases": [
                {"phase": span.phase, "began_ms": span.began_ms, "ms": round(span.duration_ms, 3)}
                for span in view.history
            ],
        }
        for view in control.invoker.environments()
    ]
    body = orjson.dumps({"environments": shown})
    exchange.respond(200, [("Content-Type", "application/json")], body)
