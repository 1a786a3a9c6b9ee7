"""Job files that are being written: checked, begun from an example or an earlier job, held to places."""

from __future__ import annotations

from fastapi import APIRouter

from tradewind.api.services import CallerOf, Services, ServicesOf
from tradewind.control.draft_files import (
    find_files,
    keep_template,
    template,
    templates,
    upload_limits,
)
from tradewind.control.draft_places import hold_to, read_key
from tradewind.control.draft_steps import STEPS, list_fields, list_unsupported
from tradewind.control.drafting import Around, check_draft
from tradewind.control.submitting import find_job
from tradewind.domain.errors import InvalidInputError, NotFoundError
from tradewind.domain.schemas_drafts import (
    DraftCheck,
    DraftCheckRequest,
    DraftForm,
    JobClone,
    PlacesAnswer,
    PlacesRequest,
    TemplatePage,
    TemplateView,
    WorkdirView,
)
from tradewind.spec.writing import write_job_file

router = APIRouter(tags=["job files"])


@router.post("/job-files/check")
async def check(request: DraftCheckRequest, services: ServicesOf, caller: CallerOf) -> DraftCheck:
    """What a job file says, all that is wrong with it, and what one might regret. Faults are no error."""
    if (request.spec is None) == (request.yaml is None):
        raise InvalidInputError("a check needs either `spec` or `yaml`", hint="send one of the two")
    files = problem = None
    if request.workdir is not None:
        try:
            files = await services.context.offload(find_files, services.context.workdirs, request.workdir)
        except InvalidInputError as error:
            problem = error
    around = Around(
        project=caller.project_name,
        now=services.context.clock.now(),
        providers=await _connected(services),
        files=files,
        files_problem=problem,
    )
    return check_draft(request, around)


@router.get("/job-files/form")
async def form(caller: CallerOf) -> DraftForm:
    """The keys of the job file with their meaning, the steps they are asked in, and the limits of uploads."""
    return DraftForm(
        steps=list(STEPS), fields=list_fields(), unsupported=list_unsupported(), upload=upload_limits()
    )


@router.post("/job-files/places")
async def places(request: PlacesRequest, caller: CallerOf) -> PlacesAnswer:
    """Holds a job file to offers that were chosen; without any it may go anywhere again."""
    return hold_to(request.spec, [read_key(key) for key in request.offers], is_ordered=request.ordered)


@router.get("/templates")
async def list_templates(services: ServicesOf, caller: CallerOf) -> TemplatePage:
    """Examples that ship, each with its job file. `POST` to one of them puts its files on the server."""
    return TemplatePage(items=await services.context.offload(templates))


@router.post("/templates/{name}")
async def use_template(name: str, services: ServicesOf, caller: CallerOf) -> TemplateView:
    """An example, ready to run: its files are on the server under `workdir`. Repeating it changes nothing."""
    template(name)
    return await services.context.offload(keep_template, services.context.workdirs, name)


@router.get("/workdirs/{sha256}")
async def show_workdir(sha256: str, services: ServicesOf, caller: CallerOf) -> WorkdirView:
    """What a workdir archive holds."""
    found = await services.context.offload(find_files, services.context.workdirs, sha256)
    if found is None:
        raise NotFoundError("there is no such archive on the server", hint="send it with PUT first")
    return found


@router.get("/jobs/{reference}/clone")
async def clone(reference: str, services: ServicesOf, caller: CallerOf) -> JobClone:
    """What a job was asked for with: its file and its workdir, to be changed and asked for again."""
    context = services.context
    job = await context.store.read(lambda tx: find_job(tx, caller, reference))
    files = note = None
    if job.workdir_sha256 is not None:
        files = await context.offload(find_files, context.workdirs, job.workdir_sha256)
        if files is None:
            note = "the files it ran with are not on the server any more: choose them again"
    return JobClone(
        job=job.id,
        name=job.name,
        spec=job.spec,
        yaml=write_job_file(job.spec),
        workdir=None if files is None else job.workdir_sha256,
        files=files,
        search_path=job.search_path,
        note=note,
    )


async def _connected(services: Services) -> frozenset[str]:
    context = services.context
    at_hand = {offer.provider for offer in await services.shelf.offers()}
    return frozenset(at_hand | set(context.backends) | set(context.machines))
