"""Puts what a file of requirements names into a directory, for the machine that is to run it.

For Lambda pip fetches the wheels of Lambda's platform, by hash, whatever machine this is. What
the tests deploy runs on this machine: it is copied from this environment, which was installed
from the same lock, so no test needs the network.
"""

from __future__ import annotations

import platform
import re
import shutil
import subprocess
import sys
from importlib.metadata import distribution
from pathlib import Path
from typing import Final

from packaging.requirements import Requirement

from infra.errors import UserError

#: For the machine that this runs on, as against Lambda's two architectures.
HERE: Final = "here"
#: Wheels that run on Amazon Linux 2 (glibc 2.26) and later, which covers all of Lambda's runtimes.
_PLATFORMS: Final = ("manylinux2014", "manylinux_2_17")
_MACHINES: Final = {"arm64": "aarch64", "x86_64": "x86_64"}

#: Of a distribution's metadata: what scanners for vulnerabilities read, and what licences ask for.
_KEPT_METADATA: Final = re.compile(r"METADATA|licenses/.*|(LICEN[CS]E|NOTICE|COPYING)[^/]*")
#: Directories and files that nothing imports.
_TEST_DIRECTORIES: Final = frozenset({"test", "tests"})
_DEAD_SUFFIXES: Final = frozenset({".c", ".h", ".pyc", ".pyi", ".pyx", ".typed"})


class DependenciesUnavailable(UserError):
    """The packages cannot be had as the lock names them."""


def install(requirements: Path, target: Path, *, architecture: str, runtime: str) -> None:
    """Fill an empty directory with what the functions import.

    Raises:
        DependenciesUnavailable: a package has no wheel for Lambda, or is not what is locked.
    """
    if architecture == HERE:
        _copy_installed(requirements, target)
    else:
        _fetch(requirements, target, architecture, runtime.removeprefix("python"))
    _prune(target)


def this_architecture() -> str:
    """Return Lambda's name for what this machine is."""
    machine = platform.machine().lower()
    return "arm64" if machine in {"aarch64", "arm64"} else "x86_64"


def fetch_command(
    requirements: Path, target: Path, *, architecture: str, version: str
) -> list[str]:
    """Return pip's command for the wheels of Lambda's platform: by hash, nothing is built."""
    machine = _MACHINES[architecture]
    return [
        *(sys.executable, "-m", "pip", "install", "--disable-pip-version-check", "--no-input"),
        *("--quiet", "--no-compile", "--no-deps", "--require-hashes", "--only-binary=:all:"),
        *("--python-version", version, "--implementation", "cp"),
        *(f"--platform={policy}_{machine}" for policy in _PLATFORMS),
        *("--target", str(target), "--requirement", str(requirements)),
    ]


def _fetch(requirements: Path, target: Path, architecture: str, version: str) -> None:
    command = fetch_command(requirements, target, architecture=architecture, version=version)
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        errors = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
        message = (
            f"pip could not fetch {requirements.name} for {architecture}, Python {version}:\n"
            + "\n".join(errors or [done.stderr])
        )
        raise DependenciesUnavailable(message)


def _copy_installed(requirements: Path, target: Path) -> None:
    for requirement in pinned(requirements):
        if requirement.marker is not None and not requirement.marker.evaluate():
            continue
        found = distribution(requirement.name)
        if found.version not in requirement.specifier:
            message = f"{requirement} is locked, {found.version} is installed: run `make lint`"
            raise DependenciesUnavailable(message)
        for file in found.files or ():
            source = Path(str(file.locate()))
            if ".." in file.parts or file.suffix == ".pyc":
                continue
            (target / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, target / file)


def pinned(requirements: Path) -> list[Requirement]:
    """Read what a requirements file with hashes pins."""
    text = requirements.read_text().replace("\\\n", " ")
    return [
        Requirement(line.partition("--hash=")[0])
        for line in text.splitlines()
        if line.strip() and not line.startswith("#")
    ]


def _prune(target: Path) -> None:
    shutil.rmtree(target / "bin", ignore_errors=True)
    for path in sorted(target.rglob("*"), reverse=True):
        if path.is_dir():
            if path.name in _TEST_DIRECTORIES:
                shutil.rmtree(path)
        elif path.suffix in _DEAD_SUFFIXES or not _is_wanted(path.relative_to(target)):
            path.unlink()


def _is_wanted(path: Path) -> bool:
    if not path.parts[0].endswith(".dist-info"):
        return True
    return _KEPT_METADATA.fullmatch("/".join(path.parts[1:])) is not None
