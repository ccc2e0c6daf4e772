"""The package as it is built and installed: one wheel, typed, with urllib3 as its only need."""

from __future__ import annotations

import subprocess
import sys
import tomllib
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

from quantum_tasks.version import VERSION
from tests.client.process import ROOT

CLIENT = ROOT / "client"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel, with the build tools that the environment has."""
    target = tmp_path_factory.mktemp("wheel")
    source = tmp_path_factory.mktemp("source") / "client"
    copy = "import shutil, sys; shutil.copytree(*sys.argv[1:])"  # builds leave files behind
    subprocess.run([sys.executable, "-c", copy, str(CLIENT), str(source)], check=True)
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps"),
            *("--no-build-isolation", "--wheel-dir", str(target), str(source)),
        ],
        check=True,
    )
    (built,) = target.iterdir()
    return built


def test_the_wheel_has_every_module_and_the_files_that_go_with_them(wheel: Path) -> None:
    """What the checkout has, and nothing else."""
    source = CLIENT / "src"
    expected = {
        file.relative_to(source).as_posix()
        for file in source.rglob("*")
        if file.suffix in {".py", ".html"} or file.name == "py.typed"
    }
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
        licences = [name for name in archive.namelist() if name.endswith("/LICENSE")]
    assert names == expected
    assert "quantum_tasks/py.typed" in names
    assert licences


def test_the_wheel_needs_urllib3_and_nothing_else(wheel: Path) -> None:
    """Everything else is an extra; the Python that it names is the one of the tests."""
    with zipfile.ZipFile(wheel) as archive:
        folder = f"quantum_tasks-{VERSION}.dist-info"
        metadata = Parser().parsestr(archive.read(f"{folder}/METADATA").decode())
        scripts = archive.read(f"{folder}/entry_points.txt").decode()
    needs = metadata.get_all("Requires-Dist") or []
    always = [need for need in needs if "extra ==" not in need]
    assert [need.partition(">")[0].partition("<")[0] for need in always] == ["urllib3"]
    assert metadata.get_all("Provides-Extra") == ["aws", "qiskit"]
    assert metadata["Requires-Python"] == ">=3.11"
    assert "qtasks = quantum_tasks.cli:entry" in scripts


def test_an_installed_wheel_runs(wheel: Path, tmp_path: Path) -> None:
    """From its own folder, with the `qtasks` that pip has made."""
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index"),
            *("--target", str(tmp_path), str(wheel)),
        ],
        check=True,
    )
    script = tmp_path / "bin" / "qtasks"
    environment = {"PYTHONPATH": str(tmp_path), "PATH": "/usr/bin:/bin"}
    done = subprocess.run(
        [sys.executable, str(script), "--version"],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == f"qtasks {VERSION}\n"


def test_pythons_are_claimed_only_where_the_tests_were_run() -> None:
    """A classifier for this very Python; others would be a guess."""
    project = tomllib.loads((CLIENT / "pyproject.toml").read_text())["project"]
    prefix = "Programming Language :: Python :: 3."
    claimed = [c.removeprefix(prefix) for c in project["classifiers"] if c.startswith(prefix)]
    assert claimed == ["11"]
