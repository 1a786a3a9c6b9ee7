"""Writes docs/screenshots/: every page of the web app, light and dark, on a desktop and on a phone.

scripts/write_screenshots.py              all of them
scripts/write_screenshots.py jobs costs   those whose names begin so
scripts/write_screenshots.py --to DIR     somewhere else

They are taken of the stage's scenes: the same every time, but for what was changed.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.web.pictures import FOLDER, take, wanted


def main() -> None:
    """Takes the pictures and says where they are."""
    parser = argparse.ArgumentParser(description="Writes pictures of the web app's pages.")
    parser.add_argument("names", nargs="*", help="names, or beginnings of names")
    parser.add_argument("--to", type=Path, default=FOLDER, help="the folder")
    options = parser.parse_args()
    for path in take(wanted(options.names), options.to):
        print(path)


if __name__ == "__main__":
    main()
