"""The files that go along with a job: what is in an archive, and the examples that ship."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from dataclasses import dataclass
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Final

from tradewind.domain.errors import InvalidInputError, NotFoundError
from tradewind.domain.schemas_drafts import TemplateView, UploadLimits, WorkdirView
from tradewind.domain.units import format_bytes
from tradewind.spec.loading import load_job_text
from tradewind.spec.writing import write_job_file
from tradewind.storage.archives import Contents, look_into, pack_files
from tradewind.storage.workdirs import ARCHIVE_LIMIT_BYTES, FILE_LIMIT, UNPACKED_LIMIT_BYTES, Workdirs

#: What a browser packs in its memory, and what the command line packs unless it is told otherwise.
UPLOAD_CONTENT_BYTES: Final = 500 << 20
SKIPPED: Final = (".git", ".venv", "node_modules", "__pycache__")
IGNORE_FILES: Final = (".gitignore", ".tradewindignore")
_KEPT: Final = 256
_JOB_FILE: Final = "job.yaml"
#: Archives never change under their name.
_seen: OrderedDict[str, Contents | InvalidInputError] = OrderedDict()


@dataclass(frozen=True, slots=True)
class About:
    """What is said of an example."""

    title: str
    about: str
    needs: str


TEMPLATES: Final = {
    "resume": About(
        "Fail and resume",
        "A script that fails halfway; its second attempt goes on from the last checkpoint.",
        "Python only; done in a minute or two",
    ),
    "digits": About(
        "Handwritten digits",
        "A small network in NumPy: metrics, two checkpoints and an output file.",
        "Python; installs scikit-learn",
    ),
    "pytorch": About(
        "Digits with PyTorch",
        "A small convolutional network in one process, on a GPU where there is one.",
        "Python; installs PyTorch (gigabytes)",
    ),
}


@dataclass(frozen=True, slots=True)
class Template:
    """An example, packed."""

    view: TemplateView
    archive: bytes


def upload_limits() -> UploadLimits:
    """What a workdir that is sent may be."""
    content, archive = format_bytes(UPLOAD_CONTENT_BYTES), format_bytes(ARCHIVE_LIMIT_BYTES)
    return UploadLimits(
        archive_bytes=ARCHIVE_LIMIT_BYTES,
        content_bytes=UPLOAD_CONTENT_BYTES,
        files=FILE_LIMIT,
        skipped=list(SKIPPED),
        ignore_files=list(IGNORE_FILES),
        text=f"A folder of at most {content}, or an archive of at most {content} that unpacks to at most "
        f"{format_bytes(UNPACKED_LIMIT_BYTES)}. The command line sends up to {archive}.",
    )


def find_files(workdirs: Workdirs, sha256: str) -> WorkdirView | None:
    """What is in an archive; None if it is not here. Blocks for as long as reading it takes.

    Raises:
        InvalidInputError: it is no archive that a job could unpack.
    """
    path = workdirs.path_of(sha256)
    try:
        size = path.stat().st_size
    except FileNotFoundError:
        return None
    found = _seen.get(sha256)
    if found is None:
        try:
            found = look_into(path)
        except InvalidInputError as error:
            found = error
        _seen[sha256] = found
        while len(_seen) > _KEPT:
            _seen.popitem(last=False)
    if isinstance(found, InvalidInputError):
        raise found
    return _view(sha256, size, found)


def _view(sha256: str, size: int, found: Contents) -> WorkdirView:
    more = "more than " if found.is_cut else ""
    plural = "" if found.file_count == 1 else "s"
    return WorkdirView(
        sha256=sha256,
        size_bytes=size,
        content_bytes=found.content_bytes,
        file_count=found.file_count,
        files=list(found.files),
        text=f"{more}{found.file_count:,} file{plural}, {format_bytes(found.content_bytes)}",
        notes=_notes(found),
    )


def _notes(found: Contents) -> list[str]:
    if not found.file_count:
        return ["the archive holds no files"]
    if found.has_file_at_top or len(found.top) != 1:
        return []
    (folder,) = found.top
    return [
        f"everything lies in the folder {folder!r}: the command starts above it, so write for example {folder}/train.py"
    ]


def templates() -> list[TemplateView]:
    """The examples that ship."""
    return [template(name).view for name in TEMPLATES if _folder(name).is_dir()]


@cache
def template(name: str) -> Template:
    """One of them. Raises NotFoundError."""
    if name not in TEMPLATES or not _folder(name).is_dir():
        raise NotFoundError(f"there is no template {name!r}", hint="GET /api/v1/templates lists them")
    files = dict(_read(_folder(name), ""))
    loaded = load_job_text(files[_JOB_FILE].decode(), f"{name}/{_JOB_FILE}")
    archive, about = pack_files(files), TEMPLATES[name]
    view = TemplateView(
        id=name,
        title=about.title,
        about=about.about,
        needs=about.needs,
        spec=loaded.mapping,
        yaml=write_job_file(loaded.mapping),
        files=sorted(files),
        workdir=hashlib.sha256(archive).hexdigest(),
        workdir_bytes=len(archive),
    )
    return Template(view, archive)


def keep_template(workdirs: Workdirs, name: str) -> TemplateView:
    """Puts an example's files where jobs find them. Blocks."""
    found = template(name)
    if not workdirs.has(found.view.workdir):
        upload = workdirs.receive(found.view.workdir)
        try:
            upload.feed(found.archive)
            upload.finish()
        except BaseException:
            upload.abandon()
            raise
    return found.view


def _folder(name: str) -> Traversable:
    return resources.files("tradewind") / "examples" / name


def _read(folder: Traversable, prefix: str) -> list[tuple[str, bytes]]:
    found = []
    for entry in folder.iterdir():
        if entry.name in SKIPPED:
            continue
        if entry.is_dir():
            found += _read(entry, f"{prefix}{entry.name}/")
        elif entry.is_file():
            found.append((prefix + entry.name, entry.read_bytes()))
    return found
