"""What `make` and its scripts do where something is missing, and what a build delivers."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path
from unittest import mock

import pytest

from crnn_ocr.models.registry import BUNDLED, Registry
from crnn_ocr.settings import Settings
from tests import conftest

ROOT = Path(__file__).resolve().parents[1]

APT = '#!/bin/sh\necho "$@" >> "{log}"\ncase "$*" in *download*) : > prometheus_1.deb;; esac\nexit {status}\n'
NPM = """#!/bin/sh
echo "$@" >> "{log}"
mkdir package && echo 'axe' > package/axe.min.js && : > package/LICENSE && tar -czf axe-core-1.tgz package
exit {status}
"""
DPKG = '#!/bin/sh\nmkdir -p "$3/usr/bin"\n: > "$3/usr/bin/prometheus"\n: > "$3/usr/bin/promtool"\n'


def _program(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o755)


class Machine:
    """A machine of which only the given programs and fonts are known."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._log = folder / "apt.log"
        self.axe = folder / ".venv" / "share" / "axe-core" / "axe.min.js"
        self._fonts = {
            "drawing.py": folder / "chinese.ttc",
            "training/adaptation/test_tutorial.py": folder / "blackletter.ttf",
        }
        self._bin = folder / "bin"
        for name in ("bin", "scripts", "tests/training/adaptation"):
            (folder / name).mkdir(parents=True)
        tools = "bash cp dirname grep gzip install mkdir mktemp rm tar tr"
        for tool in tools.split():
            found = shutil.which(tool)
            assert found is not None
            (self._bin / tool).symlink_to(found)
        shutil.copy(ROOT / "scripts" / "install-test-tools", folder / "scripts")
        for name, font in self._fonts.items():
            (folder / "tests" / name).write_text(f'_FONTS = (\n    "{font}",\n)\n')

    @property
    def unpacked(self) -> list[str]:
        return sorted(path.name for path in self._folder.glob(".venv/prometheus/*"))

    def add(self, name: str, text: str = "#!/bin/sh\n") -> None:
        _program(self._bin / name, text)

    def add_apt(self, *, user: int = 0, status: int = 0) -> None:
        self.add("id", f"#!/bin/sh\necho {user}\n")
        self.add("apt-get", APT.format(log=self._log, status=status))
        self.add("dpkg-deb", DPKG)

    def add_npm(self, *, status: int = 0) -> None:
        self.add("npm", NPM.format(log=self._log, status=status))

    def add_fonts(self) -> None:
        for font in self._fonts.values():
            font.touch()

    @property
    def asked(self) -> str:
        return self._log.read_text() if self._log.exists() else ""

    def install(self) -> subprocess.CompletedProcess[str]:
        """Run the script; what it tells of as missing also has to be in the file that pytest prints."""
        done = subprocess.run(
            [self._folder / "scripts" / "install-test-tools"],
            capture_output=True,
            text=True,
            check=False,
            env={"PATH": str(self._bin)},
        )
        rows = (self._folder / ".venv" / "not-installed").read_text().splitlines()
        assert done.stderr == "".join(f"NOT INSTALLED: {row}\n" for row in rows)
        return done


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_what_is_absent_is_installed(machine: Machine) -> None:
    machine.add_apt()
    machine.add_npm()
    done = machine.install()
    assert (done.returncode, done.stderr) == (0, "")
    for package in (
        "chromium",
        "fonts-wqy-zenhei",
        "fonts-blankenburg",
        "libreoffice-calc-nogui",
        "libreoffice-writer-nogui",
        "poppler-utils",
        "redis-server",
    ):
        assert f"install -y -qq --no-install-recommends {package}\n" in machine.asked
    assert machine.unpacked == ["prometheus", "promtool"]
    assert machine.axe.read_text() == "axe\n"


def test_prometheus_is_unpacked_and_not_installed(machine: Machine) -> None:
    machine.add_apt()
    machine.add_fonts()
    for tool in ("chromium", "pdftotext", "redis-server", "soffice"):
        machine.add(tool)
    assert machine.install().returncode == 0
    assert "install -y" not in machine.asked
    assert machine.unpacked == ["prometheus", "promtool"]
    before = machine.asked
    assert machine.install().stdout == ""
    assert machine.asked == before


def test_what_is_present_is_not_installed(machine: Machine) -> None:
    machine.add_apt()
    machine.add_npm()
    machine.add_fonts()
    for tool in ("pdftotext", "promtool", "redis-server", "soffice"):
        machine.add(tool)
    assert machine.install().returncode == 0
    assert machine.asked.endswith(" chromium\n")
    assert machine.unpacked == []
    machine.add("chromium")
    before = machine.asked
    done = machine.install()
    assert (done.returncode, done.stdout, done.stderr, machine.asked) == (0, "", "", before)


def test_an_apt_that_fails_is_told(machine: Machine) -> None:
    machine.add_apt(status=100)
    machine.add_npm()
    machine.add("chromium")
    done = machine.install()
    assert done.returncode == 0
    packages = ("fonts-wqy-zenhei", "fonts-blankenburg", "redis-server", "prometheus")
    assert all(f"NOT INSTALLED: {package} (apt failed): the tests " in done.stderr for package in packages)


def test_pytest_tells_it_at_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = tmp_path / "not-installed"
    rows.write_text("helm (pip failed): the tests of the chart were skipped\n")
    monkeypatch.setattr(conftest, "NOT_INSTALLED", rows)
    reporter = mock.Mock()
    conftest.pytest_terminal_summary(reporter)
    said = "NOT INSTALLED: helm (pip failed): the tests of the chart were skipped"
    reporter.write_line.assert_called_once_with(said, red=True, bold=True)


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (
            None,
            "NOT INSTALLED: axe-core (there is no npm): the tests of the page's accessibility were skipped\n",
        ),
        (1, "NOT INSTALLED: axe-core (npm failed): the tests of the page's accessibility were skipped\n"),
    ],
)
def test_without_npm_the_rest_is_installed(machine: Machine, status: int | None, words: str) -> None:
    machine.add_apt()
    if status is not None:
        machine.add_npm(status=status)
    done = machine.install()
    assert (done.returncode, done.stderr) == (0, words)
    assert machine.unpacked == ["prometheus", "promtool"]
    assert not machine.axe.exists()


def test_only_root_installs(machine: Machine) -> None:
    machine.add_apt(user=1000)
    done = machine.install()
    assert done.returncode == 0
    assert "NOT INSTALLED: chromium (only root installs, with apt): " in done.stderr
    assert machine.asked == ""


@pytest.mark.parametrize(("name", "least"), [("drawing.py", 2), ("training/adaptation/test_tutorial.py", 1)])
def test_the_fonts_of_the_tests_are_found_by_the_script(name: str, least: int) -> None:
    found = subprocess.run(
        ["grep", "-c", '"/[^"]*\\.tt[cf]"', ROOT / "tests" / name],
        capture_output=True,
        text=True,
        check=True,
    )
    assert int(found.stdout) >= least


def _make(*arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    return subprocess.run(
        ["make", "-C", str(ROOT), *arguments], capture_output=True, text=True, check=False, env=environment
    )


needs_make = pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")


@needs_make
@pytest.mark.parametrize("python", ["false", "no-such-python"])
def test_an_unfit_python_is_told_in_one_sentence(tmp_path: Path, python: str) -> None:
    done = _make("install", f"VENV={tmp_path / 'venv'}", f"PYTHON={python}")
    assert done.returncode == 2
    told = [line for line in done.stderr.splitlines() if not line.startswith("make")]
    assert len(told) == 1
    assert "needs Python 3.11 or newer" in told[0]
    assert f"'{python}'" in told[0]


@needs_make
def test_an_interrupted_environment_is_made_again(tmp_path: Path) -> None:
    venv = tmp_path / "venv"
    (venv / "bin").mkdir(parents=True)
    _program(venv / "bin" / "python", f'#!/bin/sh\necho "$@" >> "{tmp_path}/installed"\n')
    _program(tmp_path / "python", f'#!/bin/sh\necho "$@" >> "{tmp_path}/asked"\n')
    done = _make("install", f"VENV={venv}", f"PYTHON={tmp_path / 'python'}")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "asked").read_text().endswith(f"-m venv {venv}\n")
    assert "pip install" in (tmp_path / "installed").read_text()
    assert (venv / ".all.stamp").exists()


# ---- what is delivered ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def delivered(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The wheel, and the source distribution, as the build backend makes them."""
    folder = tmp_path_factory.mktemp("delivered")
    code = (
        "import sys; from hatchling import build\n"
        "print(build.build_wheel(sys.argv[1])); print(build.build_sdist(sys.argv[1]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(folder)], capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr
    wheel, source = done.stdout.split()[-2:]
    return folder / wheel, folder / source


def _packs() -> dict[str, list[str]]:
    """The bundled packs, and the files that each has to bring along beside its manifest."""
    own = {}
    for path in sorted(BUNDLED.glob("*/manifest.json")):
        manifest = json.loads(path.read_text(encoding="utf-8"))
        named = [entry for entry in manifest.values() if isinstance(entry, dict) and "sha256" in entry]
        own[path.parent.name] = [entry["path"] for entry in named if "package" not in entry]
    return own


def test_the_default_pack_is_whole_in_the_wheel(delivered: tuple[Path, Path], tmp_path: Path) -> None:
    wheel, _ = delivered
    packs = _packs()
    assert set(packs) >= {"crnn-zh-en", "ppocrv6-small", "ppocrv6-det-small"}
    with zipfile.ZipFile(wheel) as packed:
        packed.extractall(tmp_path)
    for name in packs:
        folder = tmp_path / "crnn_ocr" / "models" / "bundled" / name
        Registry(tmp_path).at(folder).verify()
    default = tmp_path / "crnn_ocr" / "models" / "bundled" / Settings.model_fields["model"].default
    assert {"CARD.md", "NOTICE", "characters.txt", "net.onnx", "reliability.png"} <= {
        path.name for path in default.iterdir()
    }
    licences = {path.name for path in tmp_path.glob("crnn_ocr-*.dist-info/licenses/*")}
    assert licences == {"LICENSE", "NOTICE"}


def test_the_sources_have_it_too_and_nothing_large_beside_it(delivered: tuple[Path, Path]) -> None:
    wheel, source = delivered
    with tarfile.open(source) as packed:
        entries = {entry.name.partition("/")[2]: entry.size for entry in packed.getmembers()}
    for name, files in _packs().items():
        for file in ["manifest.json", *files]:
            path = f"src/crnn_ocr/models/bundled/{name}/{file}"
            assert entries[path] == (ROOT / path).stat().st_size
    for path, size in entries.items():
        assert size < 2_000_000 or path.startswith("src/crnn_ocr/models/bundled/"), path
    assert not [path for path in entries if path.endswith((".pt", ".pyc"))]
    assert wheel.stat().st_size < 12_500_000


def test_the_tools_of_the_page_are_locked_without_an_address() -> None:
    lock = json.loads((ROOT / "package-lock.json").read_text(encoding="utf-8"))
    wanted = json.loads((ROOT / "package.json").read_text(encoding="utf-8"))["devDependencies"]
    assert lock["packages"][""]["devDependencies"] == wanted
    tools = {name: entry for name, entry in lock["packages"].items() if name}
    assert all(entry["integrity"].startswith("sha512-") for entry in tools.values())
    assert not [name for name, entry in tools.items() if "resolved" in entry]
