"""Completion for shells."""

from __future__ import annotations

import click

from tradewind.cli.application import Application
from tradewind.cli.options import command


@command("completion")
@click.argument("shell", type=click.Choice(("bash", "zsh", "fish")))
def completion(app: Application, shell: str) -> None:
    """Print the completion script of a shell.

    Bash: add `eval "$(tradewind completion bash)"` to ~/.bashrc. Zsh: the same with zsh in ~/.zshrc.
    Fish: `tradewind completion fish > ~/.config/fish/completions/tradewind.fish`.
    """
    from click.shell_completion import BashComplete, FishComplete, ZshComplete

    kind = {"bash": BashComplete, "zsh": ZshComplete, "fish": FishComplete}[shell]
    root = click.get_current_context().find_root().command
    for name in ("tradewind", "tw"):
        # Not `source()`: for bash it starts a shell to read its version, and completes for the wrong name.
        script = kind(root, {}, name, f"_{name.upper()}_COMPLETE")
        app.put(script.source_template % script.source_vars())
