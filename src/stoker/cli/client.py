"""AWS's own client, pointed at a server: what the developer's commands talk through."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console
from rich.markup import escape

DEFAULT_URL = "http://127.0.0.1:4566"

Url = Annotated[str, typer.Option("--endpoint-url", envvar="AWS_ENDPOINT_URL", help="The server.")]
Region = Annotated[
    str, typer.Option("--region", envvar=["AWS_REGION", "AWS_DEFAULT_REGION"], help="AWS's region.")
]

_WIDE = 200

err = Console(stderr=True, highlight=False, soft_wrap=True)


def client(service: str, url: str, region: str) -> Any:
    """A client of botocore's with the caller's credentials, or, if there are none, dummy ones:
    the server's default account."""
    import botocore.session
    from botocore.config import Config

    session = botocore.session.get_session()
    keys = {}
    if session.get_credentials() is None:
        keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
    patient = Config(read_timeout=920, retries={"total_max_attempts": 1})
    return session.create_client(
        service, region_name=region, endpoint_url=url, config=patient, **keys
    )


@contextmanager
def told(command: str, url: str) -> Iterator[None]:
    """What the server refuses, or that it is not there, is said in one line, and the exit status
    is 1."""
    from botocore.exceptions import (
        BotoCoreError,
        ClientError,
        ConnectionError,
        HTTPClientError,
        WaiterError,
    )

    from stoker.core.errors import ServiceError

    try:
        yield
    except (ConnectionError, HTTPClientError):
        fail(command, f"no server answers at {url} (`stoker serve` starts one)")
    except ClientError as refusal:
        fail(command, "{Code}: {Message}".format(**refusal.response["Error"]))
    except ServiceError as refusal:  # of a template that is read here
        fail(command, refusal.message)
    except WaiterError as given_up:
        fail(command, _state_reason(given_up.last_response) or str(given_up))
    except (BotoCoreError, OSError, ValueError) as refusal:
        fail(command, _in_words(refusal))


def _in_words(error: Exception) -> str:
    if isinstance(error, OSError) and error.filename and error.strerror:
        return f"{error.filename}: {error.strerror}"
    return str(error)


def _state_reason(answer: dict[str, Any]) -> str:
    """Why a function, as it was last seen, is not what was waited for; "" if it does not say."""
    function = answer.get("Configuration", answer)
    last = "StateReason" if function.get("State") == "Failed" else "LastUpdateStatusReason"
    return str(function.get(last, ""))


def console_for_tables() -> Console:
    """Into a file or a pipe no line is cut off: there is nobody who could make it wider."""
    terminal = Console(highlight=False)
    return terminal if terminal.is_terminal else Console(highlight=False, width=_WIDE)


def fail(command: str, reason: str) -> NoReturn:
    """Say why, and end with status 1."""
    err.print(f"[red]stoker {command}:[/] {escape(written(reason))}")
    raise typer.Exit(1)


def plain(text: str) -> str:
    """What a function, or its author, called something: nothing of it may move the cursor or
    colour the terminal."""
    return "".join(c if c.isprintable() else "?" for c in text)


def written(text: str) -> str:
    """What a function wrote: the same, but for tabs and new lines. Python's tracebacks are
    indented by no-break spaces, as on AWS."""
    return "".join(c if c.isprintable() or c in "\t\n\xa0" else "?" for c in text)
