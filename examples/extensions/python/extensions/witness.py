#!/usr/bin/env python3
"""An external extension on the Telemetry API, over HTTP: counts what its environment says."""

import http.client
import json
import os
import sys
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

API = os.environ["AWS_LAMBDA_RUNTIME_API"]
NAME = Path(sys.argv[0]).name  # of an external extension: its file's
EXTENSION = "/2020-01-01/extension"
WAIT_S = 60.0  # for news of one invocation; its timeout counts, too


class Refused(Exception):
    pass


class Witness:
    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.done: set[str] = set()  # invocations that the runtime is done with
        self.news = threading.Condition()

    def take(self, events: list[dict]) -> None:
        with self.news:
            for event in events:
                self.counts[event["type"]] += 1
                if event["type"] == "platform.runtimeDone":
                    self.done.add(event["record"]["requestId"])
            self.news.notify_all()

    def until_done(self, request_id: str) -> None:
        """What the function printed was told before."""
        with self.news:
            self.news.wait_for(lambda: request_id in self.done, WAIT_S)
            self.done.discard(request_id)


def ask(
    method: str, path: str, body: object, **headers: str
) -> tuple[bytes, http.client.HTTPMessage]:
    # No time limit: the answer to event/next may take hours, and we are frozen meanwhile.
    connection = http.client.HTTPConnection(API)
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, path, None if body is None else json.dumps(body), names)
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    if answer.status >= 400:
        raise Refused(f"{path}: {answer.status} {content.decode()}")
    return content, answer.headers


def listen(witness: Witness) -> int:
    """Take batches at a free port."""

    class Taker(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            witness.take(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("0.0.0.0", 0), Taker)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_address[1]


def subscribe(me: dict[str, str], port: int) -> None:
    types = os.environ.get("WITNESS_TYPES", "platform,function,extension").split(",")
    body = {
        "schemaVersion": "2022-12-13",
        "types": types,
        "buffering": {"maxItems": 1000, "maxBytes": 262144, "timeoutMs": 25},
        "destination": {"protocol": "HTTP", "URI": f"http://sandbox.localdomain:{port}"},
    }
    ask("PUT", "/2022-07-01/telemetry", body, **me)


def main() -> None:
    witness = Witness()
    answer, headers = ask(
        "POST", f"{EXTENSION}/register", {"events": ["INVOKE", "SHUTDOWN"]},
        Lambda_Extension_Name=NAME, Lambda_Extension_Accept_Feature="accountId",
    )  # fmt: skip
    me = {"Lambda_Extension_Identifier": headers["Lambda-Extension-Identifier"]}
    account = json.loads(answer)["accountId"]
    try:
        subscribe(me, listen(witness))
    except Refused as why:
        kind = {"Lambda_Extension_Function_Error_Type": "Extension.ConfigInvalid"}
        ask("POST", f"{EXTENSION}/init/error", {"errorMessage": str(why)}, **me, **kind)
        sys.exit(1)
    invocations = 0
    while True:
        event = json.loads(ask("GET", f"{EXTENSION}/event/next", None, **me)[0])
        if event["eventType"] == "SHUTDOWN":
            break
        invocations += 1
        witness.until_done(event["requestId"])
    with witness.news:
        lines = witness.counts["function"]
    print(
        f"{NAME} of {account}: {invocations} invocations, {lines} lines, {event['shutdownReason']}"
    )


if __name__ == "__main__":
    main()
