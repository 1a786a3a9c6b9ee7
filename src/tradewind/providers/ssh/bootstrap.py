"""How the agent gets to a machine: one command that finds a Python, takes the agent unless it is there, and becomes it.

Nothing but a shell and Python is needed there, and nothing but the agent's bytes is sent. They lie under the name of
their contents; their hash is checked on the far side before every start.
"""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path
from typing import Final

#: Where a Python is looked for: as after a login, then where systems and images put theirs.
_PYTHONS: Final = (
    "python3 python /usr/bin/python3 /usr/local/bin/python3 /opt/conda/bin/python3 "
    '"$HOME/miniconda3/bin/python3" "$HOME/miniforge3/bin/python3" "$HOME/.local/bin/python3"'
)
#: Begins each line that is meant for us: whatever login scripts print is passed over.
MARK: Final = b"\0tradewind-"
_PROGRAM: Final = """\
import sys
if sys.version_info < (3, 8):
    sys.exit(3)
import hashlib, json, os, runpy
base, name, digest, size = json.loads(base64.b64decode(sys.argv[2]))
base = os.path.expanduser(base)
folder = os.path.join(base, "agent")
path = os.path.join(folder, name)

def say(text):
    os.write(1, ("\\0tradewind-" + text + "\\n").encode("utf-8", "replace"))

def is_whole():
    try:
        with open(path, "rb") as file:
            return hashlib.sha256(file.read()).hexdigest() == digest
    except OSError:
        return False

def receive():
    say("need")
    data = b""
    while len(data) < size:
        part = os.read(0, min(size - len(data), 1 << 16))
        if not part:
            sys.exit(1)
        data += part
    if hashlib.sha256(data).hexdigest() != digest:
        say("error damaged the agent arrived damaged")
        sys.exit(1)
    partial = path + ".%d.new" % os.getpid()
    try:
        with open(partial, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
    except BaseException:
        if os.path.exists(partial):
            os.unlink(partial)
        raise

try:
    os.makedirs(folder, 0o700, exist_ok=True)
    if not is_whole():
        receive()
except OSError as error:
    kind = "full" if error.errno in (28, 122) else "denied"
    say("error %s %s: %s" % (kind, error.filename or base, error.strerror))
    sys.exit(1)
sys.argv = [path, "serve", "--dir", base]
runpy.run_path(path, run_name="__main__")
"""


class Bundle:
    """The agent's bytes, and the command that makes them run on a machine below `base`."""

    def __init__(self, agent: Path, base: str) -> None:
        self.data = agent.read_bytes()
        digest = hashlib.sha256(self.data).hexdigest()
        arguments = json.dumps([base, f"agent-{digest[:16]}.pyz", digest, len(self.data)])
        code, words = (base64.b64encode(text.encode()).decode() for text in (_PROGRAM, arguments))
        # No single quote, backslash or exclamation mark in between: every login shell passes it on as it is.
        script = (
            f"for p in {_PYTHONS}; do "
            f'"$p" -I -S -c "import base64, sys; exec(base64.b64decode(sys.argv[1]))" {code} {words}; '
            # Too old to know the options, too old, not to be run, not there: another one may do.
            "case $? in 2|3|126|127) ;; *) exit;; esac; "
            'done; printf "\\000tradewind-error no_python -\\n"; exit 1'
        )
        self.command = f"exec sh -c '{script}'"
