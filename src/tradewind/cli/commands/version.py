"""The version of this program, without asking a server."""

from __future__ import annotations

import platform

from tradewind import __version__
from tradewind.cli.application import Application
from tradewind.cli.options import command, output_options
from tradewind.cli.render import render_document


@command("version")
@output_options
def version(app: Application) -> None:
    """Print the version."""
    document = {
        "version": __version__,
        "python": platform.python_version(),
        "platform": platform.platform(terse=True),
    }
    render_document(app, document, lambda: f"tradewind {__version__}", name="version")
