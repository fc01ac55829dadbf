"""stoker serve: run the server until SIGTERM or SIGINT."""

import inspect
import sys
from typing import Annotated, Any, get_type_hints

import typer
from rich.console import Console
from rich.markup import escape

from stoker import config

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)


def serve(**flags: Any) -> None:
    """Run the server: AWS Lambda's API, and those of the services around it, on one port.

    SIGTERM or Ctrl-C lets running invocations finish (--drain-s), then ends; a second one ends
    at once. Each option can also be given as STOKER_<OPTION>, or in stoker.toml.
    """
    try:
        chosen = config.load(flags)
    except config.ConfigError as refusal:
        _refuse(refusal)
        raise typer.Exit(2) from None
    # Everything else stays unloaded until here: `stoker version` need not wait for botocore.
    from stoker.running import CannotServe, run

    try:
        run(chosen, _greet)
    except CannotServe as refusal:
        _refuse(refusal)
        raise typer.Exit(1) from None


def _refuse(refusal: Exception) -> None:
    err.print(f"[red]stoker serve:[/] {escape(str(refusal))}")


def _greet(url: str, limitations: tuple[str, ...]) -> None:
    """Lines to copy, as soon as requests are answered."""
    for sentence in limitations:
        err.print(f"[yellow]not enforced:[/] {escape(sentence)}")
    out.print(
        f"Stoker answers on [bold]{url}[/]\n"
        f"and has a console for browsers: {url}/_stoker/\n\n"
        "Environment variables:\n"
        f"  export AWS_ENDPOINT_URL={url}\n"
        "  export AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test\n"
        "  export AWS_REGION=us-east-1 AWS_DEFAULT_REGION=us-east-1\n\n"
        "Or a profile, for ~/.aws/config and AWS_PROFILE=stoker:\n"
        "  \\[profile stoker]\n"
        f"  endpoint_url = {url}\n"
        "  region = us-east-1\n"
        "  cli_binary_format = raw-in-base64-out\n"
        "  aws_access_key_id = test\n"
        "  aws_secret_access_key = test\n"
    )
    sys.stdout.flush()


def _flags() -> inspect.Signature:
    """One keyword per option of the configuration. None: not given."""
    hints = get_type_hints(config.Config)
    parameters = []
    for o in config.OPTIONS:
        plain: Any = str if hints[o.name] == tuple[str, ...] else hints[o.name]
        choices = o.metadata["choices"]
        text = f"{o.metadata['doc']} Default: {config.shown_default(o)}."
        declared = config.flag(o.name)
        if plain is bool:
            declared += f"/--no-{config.flag(o.name)[2:]}"
        given = typer.Option(
            declared,
            help=text,
            show_default=False,
            metavar="|".join(choices) if choices else None,
        )
        parameters.append(
            inspect.Parameter(
                o.name,
                inspect.Parameter.KEYWORD_ONLY,
                default=None,
                annotation=Annotated[plain | None, given],
            )
        )
    return inspect.Signature(parameters)


# typer reads the signature; the options' one description is in config.py.
serve.__signature__ = _flags()  # type: ignore[attr-defined]
serve.__annotations__ = {p.name: p.annotation for p in _flags().parameters.values()}
