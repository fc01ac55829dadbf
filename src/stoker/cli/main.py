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
app.command("serve")(serve.serve)
app.command("doctor")(doctor.doctor)
app.command("deploy")(deploy.deploy)
app.command("dev")(dev.dev)
app.command("destroy")(deploy.destroy)
app.command("invoke")(invoke.invoke)
app.command("event")(event.event)
app.command("logs")(logs.logs)
app.command("cost")(cost.cost)
app.command("tune")(tune.tune)
app.command("compare")(compare.compare)
app.command("list")(functions.list_functions)
app.command("describe")(functions.describe)
app.command("timeline")(timeline.timeline)
app.command("learn")(learn.learn)
app.command("version")(version.version)
app.add_typer(extensions.app, name="extensions")
app.add_typer(runtimes.app, name="runtimes")
app.add_typer(sandbox.app, name="sandbox")


def main() -> None:
    app()
