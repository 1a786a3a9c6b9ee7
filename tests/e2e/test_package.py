"""What `pip install` gives somebody without Node: a wheel with the web application in it, which the server serves."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.e2e.installation import Installation

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

ROOT = Path(__file__).resolve().parents[2]
#: Of the whole wheel, and of what a browser loads before it shows the first page.
LARGEST_WHEEL_BYTES = 3_000_000
LARGEST_FIRST_LOAD_BYTES = 300_000


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not (ROOT / "src/tradewind/server/static/index.html").is_file() and shutil.which("npm") is None:
        pytest.skip("the web application is not built, and there is no Node to build it: run `make web`")
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    done = subprocess.run(build, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return next(folder.glob("*.whl"))


def test_the_wheel_is_small_and_has_no_source_maps(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    assert "tradewind/server/static/index.html" in names
    assert not [name for name in names if name.endswith(".map") or "node_modules" in name]
    assert wheel.stat().st_size <= LARGEST_WHEEL_BYTES


class Package(Installation):
    """An installation from the wheel, in an environment of its own that sees no Node and nothing of the sources."""

    def __init__(self, home: Path, wheel: Path) -> None:
        super().__init__(home)
        venv = home / "venv"
        subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True)
        self._python = venv / "bin" / "python"
        place = sysconfig.get_path("purelib", vars={"base": str(venv), "platbase": str(venv)})
        # The packages it depends on, from the environment that the tests run in; a folder named here is only looked
        # into, so that the sources that are installed there stay out of sight.
        Path(place, "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
        pip = [str(self._python), "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", str(wheel)]
        subprocess.run(pip, check=True)

    def environment(self) -> dict[str, str]:
        kept = super().environment()
        del kept["PYTHONPATH"]
        return kept | {"PATH": str(self._python.parent)}

    def spawn_server(self) -> subprocess.Popen[bytes]:
        command = [str(self._python), "-m", "tradewind.server", "serve", "--port", str(self.port)]
        self.server = subprocess.Popen(
            command, env=self.environment(), stdin=subprocess.DEVNULL, stdout=self._log, stderr=self._log
        )
        return self.server


def test_an_installed_wheel_serves_the_application(wheel: Path, tmp_path: Path) -> None:
    package = Package(tmp_path / "home", wheel)
    try:
        package.start()
        where = subprocess.run(
            [str(package._python), "-c", "import tradewind; print(tradewind.__file__)"],
            env=package.environment(), capture_output=True, text=True, check=True,
        )  # fmt: skip
        assert str(tmp_path) in where.stdout
        cookie = sign_in(package)
        page = package.request("GET", "/jobs", token=None, headers={"Cookie": cookie, "Accept": "text/html"})
        assert page.status == 200
        assert "default-src 'none'" in page.headers["content-security-policy"]
        text = page.body.decode()
        files = re.findall(r'(?:src|href)="\./([^"]+)"', text)
        assert any(name.endswith(".js") for name in files)
        size = len(page.body)
        for name in files:
            headers = {"Cookie": cookie, "Accept-Encoding": "gzip"}
            answer = package.request("GET", f"/{name}", token=None, headers=headers)
            assert answer.status == 200, name
            size += len(answer.body)
        assert size <= LARGEST_FIRST_LOAD_BYTES
    finally:
        package.close()


def sign_in(package: Package) -> str:
    """The cookie of a browser that followed a one-time link."""
    link = urlsplit(package.request("POST", "/api/v1/session-links").json["url"])
    answer = package.request("GET", f"{link.path}?{link.query}", token=None)
    assert answer.status == 303
    return answer.headers["set-cookie"].split(";")[0]
