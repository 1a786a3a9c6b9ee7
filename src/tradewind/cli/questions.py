"""Questions to a person, asked only where one would see them."""

from __future__ import annotations

import click

from tradewind.cli.application import Application
from tradewind.domain.errors import InvalidInputError


def confirm(app: Application, question: str, *, yes: bool) -> None:
    """Returns if the answer is yes.

    Raises:
        InvalidInputError: nobody is there to ask and `-y` was not given.
        click.Abort: the answer is no.
    """
    if yes:
        return
    if not app.can_ask:
        raise InvalidInputError(
            f"this needs a yes, and there is no terminal to ask at: {question}",
            hint="say it in advance with -y",
        )
    click.confirm(question, default=True, abort=True, err=True)
