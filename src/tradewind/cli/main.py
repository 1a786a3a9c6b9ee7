"""`tradewind`: the list of commands, and what turns an exception into an exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Final

import click

from tradewind import __version__
from tradewind.cli.application import Application
from tradewind.cli.errors import show_bug, show_error, show_usage_error
from tradewind.cli.lazy import Lazy, LazyGroup
from tradewind.cli.options import global_options
from tradewind.domain.errors import TradewindError

_AT: Final = "tradewind.cli.commands."

SECTIONS: Final = {
    "Run": {
        "run": Lazy(_AT + "run:run", "Plan a job, upload its files, run it and show its output."),
        "plan": Lazy(_AT + "plan:plan", "Show where a job would run, what it would cost, and why."),
        "estimate": Lazy(
            _AT + "estimate:estimate", "Work out the memory, hours, money, energy and carbon of a job."
        ),
        "compare": Lazy(
            _AT + "compare:compare", "Compare what so many hours cost on every platform and here."
        ),
        "simulate": Lazy(
            _AT + "simulate:simulate", "Replay jobs against policies and prices, before spending a dollar."
        ),
        "validate": Lazy(_AT + "validate:validate", "Check a job file; nothing else happens."),
        "demo": Lazy(_AT + "demo:demo", "Train a small model on this machine, to see how it works."),
    },
    "Prices": {
        "offers": Lazy(_AT + "offers:offers", "List what can be had, where, at what price."),
        "gpus": Lazy(_AT + "gpus:gpus", "List GPU models with their names, who has them and the best price."),
        "prices": Lazy(_AT + "prices:prices", "Show how prices went; manage where they come from."),
    },
    "Jobs": {
        "ls": Lazy(_AT + "job_views:short_list", "List your active jobs; -a lists all."),
        "logs": Lazy(_AT + "logs:logs", "Show what a job printed."),
        "stop": Lazy(_AT + "job_actions:stop", "Stop jobs: gracefully, or at once with --now."),
        "jobs": Lazy(_AT + "jobs:jobs", "List, inspect, stop, move, retry and await jobs."),
        "ssh": Lazy(_AT + "job_access:ssh", "Open a shell where a job runs, or run a command there."),
        "cp": Lazy(_AT + "job_access:cp", "Copy files to or from a running job."),
        "forward": Lazy(_AT + "job_access:forward", "Make ports of a job's machine appear here."),
        "checkpoints": Lazy(_AT + "checkpoints:checkpoints", "List and fetch checkpoints."),
        "artifacts": Lazy(_AT + "artifacts:artifacts", "List and fetch output files."),
    },
    "Money": {
        "cost": Lazy(_AT + "cost:cost", "Show what jobs cost in money, energy and carbon."),
        "budgets": Lazy(_AT + "budgets:budgets", "Limit what projects, teams, users and providers may cost."),
        "alerts": Lazy(_AT + "alerts:alerts", "Be told when a price falls or an offer is available again."),
        "channels": Lazy(
            _AT + "channels:channels", "List, add, remove and test the channels that alerts use."
        ),
    },
    "Providers": {
        "connect": Lazy(
            _AT + "connect:connect",
            "Connect a provider: its credentials are examined, sealed and used from now on.",
        ),
        "disconnect": Lazy(
            _AT + "connect:disconnect",
            "Disconnect a provider: its credentials are forgotten. Refused while machines are rented there.",
        ),
        "providers": Lazy(
            _AT + "providers:providers", "List providers, show how to get ready, examine connections."
        ),
    },
    "Machines": {
        "hosts": Lazy(_AT + "hosts:hosts", "Add, import, list and remove your own machines over SSH."),
        "nodes": Lazy(_AT + "nodes:nodes", "List, inspect and give back the machines that jobs run on."),
    },
    "Server": {
        "server": Lazy(_AT + "server:server", "Start, stop and inspect the local server."),
        "janitor": Lazy(
            _AT + "job_moves:janitor", "Find rented machines that belong to nothing; give them back."
        ),
        "open": Lazy(_AT + "open:open_browser", "Open the web page, signed in; of a JOB where one is named."),
        "tokens": Lazy(_AT + "tokens:tokens", "Make, list and revoke what lets programs and browsers in."),
        "doctor": Lazy(
            _AT + "doctor:doctor", "Check this machine and the server, and say how to fix what is wrong."
        ),
    },
    "Tools": {
        "preferences": Lazy(
            _AT + "preferences:preferences", "Show and set what you prefer: places, currency, order."
        ),
        "schema": Lazy(_AT + "schema:schema", "Print the JSON Schema of job files."),
        "completion": Lazy(_AT + "completion:completion", "Print the completion script of a shell."),
        "version": Lazy(_AT + "version:version", "Print the version."),
    },
}


@click.group(
    cls=LazyGroup,
    sections=SECTIONS,
    params=global_options(is_hidden=False),
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Start with `tradewind demo`, or `tradewind run FILE`.",
)
@click.version_option(__version__, "-V", "--version", message="tradewind %(version)s")
def tradewind() -> None:
    """Runs a training job wherever it is the best deal."""


def main(arguments: Sequence[str] | None = None, app: Application | None = None) -> int:
    """Runs one command and returns its exit code. Nothing but this turns errors into text."""
    app = app or Application()
    for stream in (sys.stdout, sys.stderr):
        # A terminal that cannot show a sign must not end a command.
        if reconfigure := getattr(stream, "reconfigure", None):
            reconfigure(errors="replace")
    try:
        result = tradewind.main(
            args=None if arguments is None else list(arguments),
            prog_name="tradewind" if arguments is not None else None,
            obj=app,
            standalone_mode=False,
        )
        sys.stdout.flush()
    except click.exceptions.NoArgsIsHelpError as error:
        app.say(error.format_message())
        return error.exit_code
    except click.UsageError as error:
        return show_usage_error(app, error)
    except click.ClickException as error:
        app.say(f"error: {error.format_message()}")
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        app.say()
        return 130
    except TradewindError as error:
        return show_error(app, error)
    except BrokenPipeError:
        # Whoever read the output has enough of it. What is still buffered must go nowhere, quietly.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        return show_bug(app, error)
    finally:
        app.close()
    return result if isinstance(result, int) else 0
