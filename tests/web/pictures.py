"""Pictures of every page, in both color schemes, on a desktop and on a phone."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.web.browser import DESKTOP, PHONE, launch, visit
from tests.web.stage import Stage

FOLDER: Final = Path(__file__).parents[2] / "docs" / "screenshots"
SCHEMES: Final = ("light", "dark")
SIZES: Final = {"desktop": DESKTOP, "phone": PHONE}


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """One page as it is to be seen. `{job}` in the path is the id of that job; `prepare` clicks where something must
    be open."""

    name: str
    path: str
    scene: str = "rich"
    job: str = ""
    prepare: Callable[[Page], None] | None = None
    sizes: tuple[str, ...] = ("desktop", "phone")


def _first_rented(page: Page) -> None:
    page.get_by_role("list", name="Nodes", exact=True).locator("> li").last.get_by_role("link").first.click()
    page.get_by_role("heading", name="Held and working").wait_for()


def begin_job(page: Page, step: str) -> None:
    """The wizard with a template in it, at one of its steps."""
    page.locator("label").filter(has_text="Template").click()
    page.get_by_role("button", name="Use Handwritten digits").click()
    # What the server says of it, and not of the empty draft before.
    page.get_by_test_id("files").filter(has_text="3 files").wait_for()
    open_step(page, step)
    if step == "Review":
        page.get_by_text("Cost, P10 to P90").wait_for()


def fit_model(page: Page) -> None:
    """The wizard as somebody looks for accelerators that a model fits on."""
    begin_job(page, "Resources")
    page.locator("label").filter(has_text="A known model").click()
    page.locator("[name='estimate.model']").fill("llama-3.1-8b")
    page.locator("[name='estimate.method']").select_option("lora")
    page.keyboard.press("Escape")
    page.locator("[name='estimate.tokens']").fill("50M")
    page.get_by_role("table", name="Accelerators that fit").wait_for()


def open_step(page: Page, step: str) -> None:
    """Goes to a step of the wizard."""
    steps = page.get_by_role("navigation", name="Steps")
    if step != "Source":
        steps.locator("button", has_text=step).first.click()
    page.get_by_role("heading", name=step, exact=True).wait_for()


PICTURES: Final = (
    Picture(name="home", path="/"),
    Picture(name="home-first-run", path="/", scene="empty"),
    Picture(name="offers", path="/offers?gpu=H100"),
    Picture(name="offers-cards", path="/offers?launchable=true&view=cards", sizes=("desktop",)),
    Picture(name="prices", path="/prices?gpu=H100-SXM&provider=vast"),
    Picture(name="new", path="/new", prepare=lambda page: begin_job(page, "Source")),
    Picture(name="new-resources", path="/new", prepare=lambda page: fit_model(page)),
    Picture(name="new-provider", path="/new", prepare=lambda page: begin_job(page, "Provider")),
    Picture(name="new-review", path="/new", prepare=lambda page: begin_job(page, "Review")),
    Picture(name="jobs", path="/jobs"),
    Picture(name="jobs-empty", path="/jobs", scene="empty"),
    Picture(name="jobs-no-match", path="/jobs?q=nothing&status=failed"),
    Picture(name="job", path="/jobs/{job}", job="vit-b16-distill-06"),
    Picture(name="job-events", path="/jobs/{job}/events", job="vit-b16-distill-06"),
    Picture(name="job-cost", path="/jobs/{job}/cost", job="vit-b16-distill-06"),
    Picture(name="job-checkpoints", path="/jobs/{job}/checkpoints", job="vit-b16-distill-06"),
    Picture(name="job-attempts", path="/jobs/{job}/attempts", job="vit-b16-distill-06"),
    Picture(name="job-spec", path="/jobs/{job}/spec", job="vit-b16-distill-06"),
    Picture(name="job-failed", path="/jobs/{job}", job="resnet50-imagenet-08"),
    Picture(name="job-logs", path="/jobs/{job}/logs", job="digits-long"),
    Picture(name="job-metrics", path="/jobs/{job}/metrics", job="vit-b16-distill-06"),
    Picture(name="nodes", path="/nodes"),
    Picture(name="nodes-empty", path="/nodes", scene="empty"),
    Picture(name="node", path="/nodes", prepare=_first_rented),
    Picture(name="costs", path="/costs"),
    Picture(name="costs-estimates", path="/costs?tab=estimates"),
    Picture(name="costs-invoices", path="/costs?tab=invoices"),
    Picture(name="budgets", path="/budgets"),
    Picture(name="budget", path="/budgets/month"),
    Picture(name="budget-new", path="/budgets?new=true"),
    Picture(name="alerts", path="/alerts"),
    Picture(name="alerts-firings", path="/alerts?tab=firings"),
    Picture(name="alerts-channels", path="/alerts?tab=channels"),
    Picture(name="alerts-new", path="/alerts?new=true&gpu=H100"),
    Picture(name="connections", path="/connections"),
    Picture(name="connection", path="/connections/vast"),
    Picture(name="connection-hosts", path="/connections/ssh"),
    Picture(name="connection-refused", path="/connections/lyceum"),
    Picture(name="settings", path="/settings"),
    Picture(name="settings-prices", path="/settings?tab=prices"),
    Picture(name="settings-preferences", path="/settings?tab=preferences"),
    Picture(name="settings-tokens", path="/settings?tab=tokens"),
    Picture(name="settings-server", path="/settings?tab=server"),
)


def wanted(names: Iterable[str]) -> list[Picture]:
    """The pictures of these names (or beginnings of names); all where none is given. Raises SystemExit."""
    given = list(names)
    if not given:
        return list(PICTURES)
    found = [each for each in PICTURES if any(each.name.startswith(name) for name in given)]
    if not found:
        raise SystemExit(
            f"no picture is called {' or '.join(given)}: {', '.join(each.name for each in PICTURES)}"
        )
    return found


def take(pictures: Iterable[Picture], folder: Path = FOLDER) -> list[Path]:
    """Takes the pictures; the paths of the files."""
    folder.mkdir(parents=True, exist_ok=True)
    by_scene: dict[str, list[Picture]] = {}
    for each in pictures:
        by_scene.setdefault(each.scene, []).append(each)
    made: list[Path] = []
    with sync_playwright() as playwright:
        browser = launch(playwright)
        for scene, group in by_scene.items():
            with (
                tempfile.TemporaryDirectory(prefix="tradewind-pictures-") as state,
                Stage.open(Path(state), scene=scene) as stage,
            ):
                made += [path for each in group for path in _take_one(browser, stage, each, folder)]
        browser.close()
    return made


def _take_one(browser: Browser, stage: Stage, picture: Picture, folder: Path) -> list[Path]:
    path = picture.path
    if picture.job:
        path = path.replace("{job}", str(stage.job(picture.job)["id"]))
    made: list[Path] = []
    for size in picture.sizes:
        for scheme in SCHEMES:
            target = folder / f"{picture.name}-{scheme}-{size}.png"
            with visit(browser, stage, scheme=scheme, is_phone=size == "phone") as seen:
                page = seen.open(path)
                come_to_rest(page)
                if picture.prepare is not None:
                    picture.prepare(page)
                    page.evaluate("window.scrollTo(0, 0)")
                    come_to_rest(page)
                page.screenshot(path=target, animations="disabled", caret="hide")
                # A picture of a page that complains is of no use.
                seen.complaints.check()
            made.append(target)
    return made


def come_to_rest(page: Page) -> None:
    """Returns when the page has drawn what it has. Streams stay open, so the network never rests."""
    page.wait_for_load_state("load")
    page.evaluate("document.fonts.ready.then(() => true)")
    # By looking again, and not by a function that the page waits for: its content security policy forbids to make one.
    # Every page has a heading; before it is there, nothing is busy yet.
    page.locator("h1").first.wait_for(state="visible")
    busy = page.locator("[aria-busy=true], .mantine-Skeleton-root, .mantine-Loader-root")
    expect(busy).to_have_count(0, timeout=30_000)
    page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(true))))")
