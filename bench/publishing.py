"""Publishes a version and moves an alias, again and again: `python -m bench.publishing PORT`.

A process of its own, so that the client that measures does not share its interpreter.
"""

import io
import sys
import time
import zipfile
from itertools import count

from bench.package import HANDLER, RUNTIME
from bench.systems import aws_client

PAUSE_S = 0.1
NAME = "published"


def main(port: int) -> None:
    client = aws_client("lambda", port)
    for number in count():
        code = _package(f"# {number}\ndef echo(event, context): return event\n")
        if number == 0:
            client.create_function(
                FunctionName=NAME, Runtime=RUNTIME, Handler=HANDLER,
                Role="arn:aws:iam::000000000000:role/bench", Code={"ZipFile": code},
            )  # fmt: skip
        else:
            client.update_function_code(FunctionName=NAME, ZipFile=code)
        client.get_waiter("function_updated_v2" if number else "function_active_v2").wait(
            FunctionName=NAME, WaiterConfig={"Delay": 0.02, "MaxAttempts": 500}
        )
        version = client.publish_version(FunctionName=NAME)["Version"]
        move = client.update_alias if number else client.create_alias
        move(FunctionName=NAME, Name="live", FunctionVersion=version)
        print(version, flush=True)
        time.sleep(PAUSE_S)


def _package(source: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("main.py", source)
    return buffer.getvalue()


if __name__ == "__main__":
    main(int(sys.argv[1]))
