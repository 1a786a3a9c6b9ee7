"""A job file that is being written, as it travels: what it says, what is wrong with it, and what to know of it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from tradewind.domain.schemas import Answer, Schema

#: The steps in which the web app asks for a job; every key of a job file belongs to one.
DraftStep = Literal["source", "data", "resources", "configuration", "provider", "review"]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class DraftCheckRequest(Schema):
    """A job file that is being written: as a mapping, or as YAML. One of the two."""

    spec: dict[str, Any] | None = None
    yaml: Annotated[str, Field(max_length=2 << 20)] | None = None
    #: The archive that goes along; it is looked up, too.
    workdir: Sha256 | None = None
    #: Only what belongs to this step is told.
    step: DraftStep | None = None


class DraftFault(Answer):
    """Something wrong at one place. Lines are those of the YAML that was sent, or of the one that is answered."""

    #: Keys and list positions that lead there.
    path: list[str | int]
    where: str
    line: int | None = None
    column: int | None = None
    message: str
    hint: str | None = None
    step: DraftStep
    #: It belongs to the format, but not to this version.
    is_unsupported: bool = False


class DraftWarning(Answer):
    """Something that is allowed, and that one might regret."""

    code: str
    message: str
    hint: str | None = None
    step: DraftStep
    #: The key it is about, for the field it is shown at.
    where: str = ""


class DraftStepView(Answer):
    """How far one step is."""

    id: DraftStep
    title: str
    faults: int
    warnings: int
    #: What it says by now, in a few words.
    summary: str


class WorkdirView(Answer):
    """A workdir archive that is on the server, and what is in it."""

    sha256: str
    size_bytes: int
    #: What it unpacks to.
    content_bytes: int
    file_count: int
    #: The first of its files, by name.
    files: list[str]
    text: str
    #: What is odd about it; a job may not find its files then.
    notes: list[str] = Field(default_factory=list)


class DraftCheck(Answer):
    """What a job file says and all that is wrong with it."""

    is_valid: bool
    #: As a mapping; None where the text is no mapping of keys.
    spec: dict[str, Any] | None = None
    #: Written anew: keys in the usual order, no comments. None where `spec` is, or where a key is written twice.
    yaml: str | None = None
    faults: list[DraftFault]
    warnings: list[DraftWarning]
    steps: list[DraftStepView]
    #: The same with the command line, and what has to be done before.
    command_line: str
    command_note: str
    files: WorkdirView | None = None


class ChoiceView(Answer):
    """One of the values that a key allows."""

    value: str
    label: str
    explanation: str = ""
    is_supported: bool = True


class DraftField(Answer):
    """One key of the job file, for whoever asks for it in a form."""

    key: str
    step: DraftStep
    meaning: str
    example: str = ""
    #: What holds when it is left out; empty: nothing.
    default: str = ""
    choices: list[ChoiceView] = Field(default_factory=list)
    is_supported: bool = True


class UnsupportedView(Answer):
    """What the format knows and this version does not do."""

    where: str
    message: str
    hint: str
    step: DraftStep


class DraftStepAbout(Answer):
    """A step, and what it is about."""

    id: DraftStep
    title: str
    about: str


class UploadLimits(Answer):
    """What a workdir may be, with text for people."""

    archive_bytes: int
    content_bytes: int
    files: int
    #: Folders that are never packed, and files that say what else is left behind.
    skipped: list[str]
    ignore_files: list[str]
    text: str


class DraftForm(Answer):
    """Everything a form for job files needs to know of the format."""

    steps: list[DraftStepAbout]
    fields: list[DraftField]
    unsupported: list[UnsupportedView]
    upload: UploadLimits


class TemplateView(Answer):
    """An example that ships: a job file, and the files it needs."""

    id: str
    title: str
    about: str
    needs: str
    spec: dict[str, Any]
    yaml: str
    files: list[str]
    #: The archive that `POST /api/v1/templates/{id}` puts on the server.
    workdir: str
    workdir_bytes: int


class TemplatePage(Answer):
    """The examples, the shortest first."""

    items: list[TemplateView]


class JobClone(Answer):
    """What a job was asked for with, to be changed and asked for again."""

    job: str
    name: str
    spec: dict[str, Any]
    yaml: str
    workdir: str | None = None
    files: WorkdirView | None = None
    search_path: str | None = None
    #: What cannot be the same again.
    note: str | None = None


class PlacesRequest(Schema):
    """Asks to hold a job file to some offers. Without any it may go anywhere again."""

    spec: dict[str, Any]
    #: Keys of offers: `provider|region|zone|instance_type|accelerator|count|market`.
    offers: Annotated[list[Annotated[str, Field(max_length=1024)]], Field(max_length=32)] = Field(
        default_factory=list
    )
    #: Whether several are in order of preference; else the best deal of them is taken.
    ordered: bool = True


class PlacesAnswer(Answer):
    """The job file that says so."""

    spec: dict[str, Any]
    #: What it says of places now, in a sentence.
    text: str
    notes: list[str] = Field(default_factory=list)
