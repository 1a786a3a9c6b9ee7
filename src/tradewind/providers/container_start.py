"""How a rented container lets this installation in: shell scripts that give its sshd a host key we know beforehand.

Providers that rent containers take no cloud-init document, but a command that runs as the container starts. The scripts
are plain POSIX shell, and hold the machine's private host key: they belong into the text of a start script or an
environment variable, never into a command line, which everybody in the container can read.
"""

from __future__ import annotations

import shlex
from typing import Final

from tradewind.providers.access import Access

#: The environment variable that brings `main_script` into the container; the script takes it out of sshd's own.
VARIABLE: Final = "TRADEWIND_START"
#: Runs what the variable holds. Its own text tells nothing.
COMMAND: Final = f"bash -c 'eval \"${VARIABLE}\"'"
_MAIN: Final = """\
set -eu
umask 077
folder={folder}
mkdir -p "$folder"
mkdir -p /run/sshd 2>/dev/null || :
if ! [ -x {sshd} ]; then
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -yqq --no-install-recommends openssh-server
fi
cat > "$folder/host_key" <<'TRADEWIND_END'
{host_key}TRADEWIND_END
cat > "$folder/authorized_keys" <<'TRADEWIND_END'
{login_key}
TRADEWIND_END
cat > "$folder/sshd_config" <<TRADEWIND_END
Port {port}
HostKey $folder/host_key
AuthorizedKeysFile $folder/authorized_keys
PidFile $folder/sshd.pid
PermitRootLogin prohibit-password
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
StrictModes no
Subsystem sftp internal-sftp
TRADEWIND_END
environment="PATH=\\"$PATH\\""
if [ -n "${{LD_LIBRARY_PATH:-}}" ]; then
  environment="$environment LD_LIBRARY_PATH=\\"$LD_LIBRARY_PATH\\""
fi
printf 'SetEnv %s\\n' "$environment" >> "$folder/sshd_config"
exec env -u {variable} {sshd} -D -e -f "$folder/sshd_config"
"""


def main_script(
    access: Access, key: str, *, port: int = 22, folder: str = "/etc/tradewind", sshd: str = "/usr/sbin/sshd"
) -> str:
    """Runs sshd as the container's only process: it lets our login key in, as root, and proves itself with our key.

    What is logged in to has the image's own PATH and LD_LIBRARY_PATH. The same key gives the same bytes.
    """
    return _MAIN.format(
        folder=shlex.quote(folder),
        sshd=shlex.quote(sshd),
        host_key=access.host_key(key).private.reveal(),
        login_key=access.login.public,
        port=port,
        variable=VARIABLE,
    )


def background_script(access: Access, key: str, *, port: int, folder: str = "/etc/tradewind") -> str:
    """The same beside what the container runs anyway, on a port of its own; returns at once.

    An sshd of the provider's is left alone: given our key it would have another one before, and be taken for an
    impostor's.
    """
    return f"(\n{main_script(access, key, port=port, folder=folder)}) > /tmp/tradewind-sshd.log 2>&1 < /dev/null &\n"
