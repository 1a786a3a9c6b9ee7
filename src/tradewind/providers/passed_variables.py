"""Which variables of the server's own environment a job may see."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import Final

#: Patterns. What a job needs to find its files, speak the user's language, reach a package index through a company
#: proxy and use the drivers of its accelerators. Nothing that looks like a credential of anything else.
ALLOWED: Final = (
    "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LC_*", "TERM", "TZ", "TMPDIR",
    "LD_LIBRARY_PATH", "CUDA_HOME", "CUDA_PATH", "ROCM_PATH", "NCCL_*",
    "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy",
    "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "PIP_*", "UV_*",
    "HF_HOME", "HF_HUB_CACHE", "HF_HUB_OFFLINE", "TORCH_HOME", "XDG_CACHE_HOME",
)  # fmt: skip
#: Patterns of what may not, though its name is among the above: credentials for publishing are no job's business.
REFUSED: Final = ("UV_PUBLISH_*",)


def allowed_names(names: Iterable[str]) -> list[str]:
    """The names that may pass, sorted."""
    return sorted(name for name in names if _matches(name, ALLOWED) and not _matches(name, REFUSED))


def _matches(name: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)
