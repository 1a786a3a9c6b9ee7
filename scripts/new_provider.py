"""Writes a provider that rents machines, with its contract test, green from the first minute.

    python scripts/new_provider.py NAME      NAME is the provider's id: lower-case letters, digits and dashes

What it writes works, against a simulator of an API that nobody has. Put the vendor's contract, words and states in
place of the invented ones, one by one, and keep it green.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from string import Template

ROOT = Path(__file__).resolve().parents[1]
TEMPLATE = Path(__file__).with_name("provider_template")


def main(arguments: list[str], root: Path = ROOT) -> int:
    """Writes the files below `root`. Returns the exit code."""
    if len(arguments) != 1 or not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", arguments[0]):
        print("usage: make new-provider NAME=x   (lower-case letters, digits and dashes)", file=sys.stderr)
        return 2
    name = arguments[0]
    module = name.replace("-", "_")
    words = {
        "id": name,
        "module": module,
        "upper": module.upper(),
        "camel": "".join(part.capitalize() for part in name.split("-")),
        "title": " ".join(part.capitalize() for part in name.split("-")),
    }
    package = root / "src" / "tradewind" / "providers" / module
    targets = {
        "about.py.txt": package / "about.py",
        "machines.py.txt": package / "machines.py",
        "test_contract.py.txt": root / "tests" / "providers" / f"test_{module}_contract.py",
        "page.md.txt": root / "docs" / "providers" / f"{name}.md",
    }
    taken = [path for path in (package, *targets.values()) if path.exists()]
    if taken:
        print(f"{taken[0].relative_to(root)} is there already: nothing was written", file=sys.stderr)
        return 1
    for source, target in targets.items():
        target.parent.mkdir(parents=True, exist_ok=True)
        text = Template((TEMPLATE / source).read_text(encoding="utf-8")).substitute(words)
        target.write_text(text, encoding="utf-8")
    (package / "__init__.py").write_text(f'"""{words["title"]}."""\n', encoding="utf-8")
    register(root / "pyproject.toml", words)
    # Names of different lengths break lines in different places.
    written = [str(path) for path in targets.values() if path.suffix == ".py"]
    subprocess.run([sys.executable, "-m", "ruff", "format", "--quiet", *written], cwd=root, check=False)
    print(f"wrote {', '.join(str(path.relative_to(root)) for path in targets.values())}")
    print("next: scripts/bootstrap dev, then .venv/bin/python -m pytest tests/providers -k " + words["camel"])
    return 0


def register(project: Path, words: dict[str, str]) -> None:
    """Adds the provider's entry points."""
    text = project.read_text(encoding="utf-8")
    for group, value in (("machines", "machines:${camel}Machines"), ("abouts", "about:ABOUT")):
        heading = f'[project.entry-points."tradewind.{group}"]\n'
        line = Template(f'$id = "tradewind.providers.$module.{value}"\n').substitute(words)
        text = text.replace(heading, heading + line)
    project.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
