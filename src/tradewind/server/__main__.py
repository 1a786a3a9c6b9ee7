"""`python -m tradewind.server serve [--host H] [--port N]`: what the command line starts."""

from __future__ import annotations

import argparse
import asyncio
import gc
import sys

from tradewind.domain.errors import TradewindError
from tradewind.server.logging import configure
from tradewind.server.settings import read_settings


def main() -> int:
    """Runs the server; the exit status is that of the error that ended it."""
    parser = argparse.ArgumentParser(prog="tradewind.server")
    commands = parser.add_subparsers(dest="command", required=True)
    serve_parser = commands.add_parser("serve", help="run the server in the foreground")
    serve_parser.add_argument("--host", default="127.0.0.1")
    serve_parser.add_argument("--port", type=int)
    arguments = parser.parse_args()
    try:
        settings = read_settings(arguments.host, arguments.port)
        configure(settings.log_level)
        from tradewind.server.serving import serve

        # What was imported lives as long as the process: the collector need not look at it again and again.
        gc.collect()
        gc.freeze()
        # Under a backlog thousands of rows are made a second, and hardly any is ever part of a cycle.
        gc.set_threshold(20_000, 20, 20)
        asyncio.run(serve(settings))
    except TradewindError as error:
        print(f"error: {error.message}", file=sys.stderr)
        if error.hint:
            print(f"\nhint: {error.hint}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
