"""The command line: `stoker serve`, `stoker doctor`, `stoker runtimes`, `stoker sandbox explain`,
`stoker timeline`, `stoker learn`, `stoker extensions check`, `stoker version`; and for who develops
a function: `stoker deploy`, `stoker dev`, `stoker destroy`, `stoker invoke`, `stoker logs`,
`stoker list`, `stoker describe`, `stoker cost`, `stoker tune`, `stoker compare`.
"""

import typer

from stoker.cli import (
    compare,
    cost,
    deploy,
    dev,
    doctor,
    event,
    extensions,
    functions,
    invoke,
    learn,
    logs,
    runtimes,
    sandbox,
    serve,
    timeline,
    tune,
    version,
)

app = typer.Typer(
    name="stoker",
    help="AWS Lambda's system on your own machine.",
    no_args_is_help=True,
    rich_markup_mode=None,  # its table leaves the words a quarter of the line
    pretty_exceptions_enable=False,
)
app.command("serve", short_help="Run the server, until Ctrl-C.")(serve.serve)
app.command("doctor", short_help="Say what this machine can isolate, and what it lacks.")(
    doctor.doctor
)
app.command("deploy", short_help="Make a folder's function, stack or CDK app, or change it.")(
    deploy.deploy
)
app.command("dev", short_help="Run a function from its folder: what is saved is live.")(dev.dev)
app.command("destroy", short_help="Delete a stack with all that is in it, or a function.")(
    deploy.destroy
)
app.command("invoke", short_help="Run a function once; see its answer and its log.")(invoke.invoke)
app.command("event", short_help="Print the event that a trigger would send.")(event.event)
app.command("logs", short_help="Print a function's log, and follow it.")(logs.logs)
app.command("cost", short_help="Print what the functions would have cost on AWS.")(cost.cost)
app.command("tune", short_help="Find the memory size that a function is best given.")(tune.tune)
app.command("compare", short_help="Run two versions in turn, and say whether they differ.")(
    compare.compare
)
app.command("list", short_help="List the functions.")(functions.list_functions)
app.command("describe", short_help="Print all that is set for a function and exists of it.")(
    functions.describe
)
app.command("timeline", short_help="Draw what each environment of a function did.")(
    timeline.timeline
)
app.command("learn", short_help="Run an experiment of the guided tour.")(learn.learn)
app.command("version", short_help="Print the version.")(version.version)
app.add_typer(extensions.app, name="extensions")
app.add_typer(runtimes.app, name="runtimes")
app.add_typer(sandbox.app, name="sandbox")


def main() -> None:
    app()
