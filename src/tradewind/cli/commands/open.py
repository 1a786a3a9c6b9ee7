"""The web page."""

from __future__ import annotations

import webbrowser

import click

from tradewind.cli.application import Application
from tradewind.cli.options import command, output_options
from tradewind.cli.render import is_for_people, render_document


@command("open")
@click.argument("job", required=False)
@click.option("--no-browser", is_flag=True, help="Print the link only.")
@output_options
def open_browser(app: Application, job: str | None, no_browser: bool) -> None:
    """Open the web page, signed in; of a JOB where one is named.

    The link works once and for a short time; it is printed so that it can be opened elsewhere.
    """
    page = "" if job is None else f"&next=jobs/{app.client.job(job).id}"
    link = app.client.session_link().model_dump(mode="json")
    link["url"] += page
    render_document(app, link, lambda: str(link["url"]), name="url")
    if is_for_people(app) and not no_browser and app.can_ask:
        webbrowser.open(link["url"])
