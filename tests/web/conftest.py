"""Browser tests: the stage, and Debian's Chromium in front of it.

    pytestmark = pytest.mark.scene("rich")          # what is on the stage; one stage for all tests of a module

    def test_the_list(visit: Visit) -> None:        # a signed-in page; `phone` and `dark` mark a test, too
        page = visit.open("/jobs")

A test fails when its page writes an error to the console, breaks the content security policy, or a request fails.
A module that changes its stage for good takes the fixture `own_stage`, which is made anew for each test.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.web.browser import Visit, chromium, launch
from tests.web.browser import visit as open_visit
from tests.web.stage import Stage

#: FastAPI's parameters and models that are built when they are first needed do not get on; nothing comes of it.
_LATE_MODELS = "ignore:The 'alias' attribute with value:UserWarning"

#: How long a page may take to become what is expected of it, on a busy machine. Where nothing is wrong it takes less.
_PATIENCE_MS = 30_000


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What every test here needs."""
    for item in items:
        if "tests/web" in str(item.path):
            item.add_marker(pytest.mark.filterwarnings(_LATE_MODELS))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium, for all tests of a module. Skips where there is none.

    Not for longer: while it is there, its event loop runs in this thread, and tests of other folders start theirs.
    """
    chromium()
    expect.set_options(timeout=_PATIENCE_MS)
    with sync_playwright() as playwright:
        started = launch(playwright)
        yield started
        started.close()


def _scene_of(request: pytest.FixtureRequest) -> str:
    marker = request.node.get_closest_marker("scene")
    return str(marker.args[0]) if marker else "empty"


@pytest.fixture(scope="module")
def stage(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A stage for the module, with the scene that its mark names."""
    with Stage.open(tmp_path_factory.mktemp("stage"), scene=_scene_of(request)) as made:
        yield made


@pytest.fixture
def own_stage(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Stage]:
    """A stage for one test alone."""
    with Stage.open(tmp_path / "stage", scene=_scene_of(request)) as made:
        yield made


@pytest.fixture
def visit(request: pytest.FixtureRequest, browser: Browser) -> Iterator[Visit]:
    """A signed-in page in front of the test's stage: desktop and light, unless `phone` or `dark` mark the test."""
    used = "own_stage" if "own_stage" in request.fixturenames else "stage"
    on: Stage = request.getfixturevalue(used)
    is_marked = {name: request.node.get_closest_marker(name) is not None for name in ("phone", "dark")}
    scheme = "dark" if is_marked["dark"] else "light"
    with open_visit(browser, on, scheme=scheme, is_phone=is_marked["phone"]) as made:
        yield made


@pytest.fixture
def page(visit: Visit) -> Page:
    """The page of `visit`."""
    return visit.page
