"""The startup script of one machine: its host key, who may log in, and nothing else.

It is the only way in that Paperspace's API leaves: it takes neither SSH keys nor cloud-init data. That a startup script
is run by root on the first boot, and that the machine's user is called `paperspace`, is known from tools of others.
"""

from __future__ import annotations

from typing import Final

from tradewind.providers.access import Access

USER: Final = "paperspace"
_SCRIPT: Final = """#!/bin/bash
set -eu
umask 077
rm -f /etc/ssh/ssh_host_*
cat > /etc/ssh/ssh_host_ed25519_key <<'KEY'
{private}KEY
printf '%s\\n' '{public}' > /etc/ssh/ssh_host_ed25519_key.pub
mkdir -p /etc/ssh/sshd_config.d /home/{user}/.ssh
printf '%s\\n' 'PasswordAuthentication no' > /etc/ssh/sshd_config.d/00-tradewind.conf
printf '%s\\n' '{login}' >> /home/{user}/.ssh/authorized_keys
chown -R {user}:{user} /home/{user}/.ssh
systemctl restart ssh
"""


def startup_script(access: Access, key: str) -> str:
    """The script for the machine of this key. The same key gives the same bytes."""
    host = access.host_key(key)
    return _SCRIPT.format(
        private=host.private.reveal(), public=host.public, login=access.login.public, user=USER
    )
