"""The lock files, pyproject.toml and what is installed agree. Needs no network."""

from __future__ import annotations

import dataclasses
import sys
import tomllib
from collections.abc import Iterable, Iterator
from importlib.metadata import Distribution, distribution, distributions

import pytest
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tools.lock import (
    CELERY_LOCK,
    DEVELOPMENT_LOCK,
    EMULATOR_LOCK,
    FUZZ_LOCK,
    LAMBDA_REQUIREMENTS,
    ORACLE_LOCK,
    PROJECT,
    ROOT,
    RUN_LOCK,
    SIMULATOR_LOCK,
    WITHOUT_NUMPY,
    lambda_dependencies,
)

ENVIRONMENT = {**{key: str(value) for key, value in default_environment().items()}, "extra": ""}


@dataclasses.dataclass(frozen=True, slots=True)
class Pin:
    """One entry of a lock file: a distribution at one version, where its marker holds."""

    requirement: str
    hashes: frozenset[str]

    @property
    def name(self) -> str:
        """The normalised name."""
        return canonicalize_name(Requirement(self.requirement).name)

    @property
    def version(self) -> str:
        """The only version that it allows."""
        (specifier,) = Requirement(self.requirement).specifier
        assert specifier.operator == "=="
        return specifier.version

    @property
    def applies(self) -> bool:
        """Whether this interpreter on this machine is meant."""
        marker = Requirement(self.requirement).marker
        return marker is None or marker.evaluate()


def read_text(name: str) -> str:
    """Read a file at the repository's root."""
    return (ROOT / name).read_text(encoding="utf-8")


def read_pins(name: str) -> list[Pin]:
    """Read a lock file: `name==version ; marker`, continued by its hashes, one a line."""
    joined = read_text(name).replace("\\\n", " ")
    lines = [line for line in joined.splitlines() if line.strip() and not line.startswith("#")]
    pins = []
    for line in lines:
        requirement, *hashes = line.split("--hash=")
        pins.append(Pin(requirement.strip(), frozenset(item.strip() for item in hashes)))
    return pins


def locked_versions(name: str) -> dict[str, str]:
    """Map the distributions that a lock file installs here to their versions."""
    return {pin.name: pin.version for pin in read_pins(name) if pin.applies}


def wanted(*, groups: Iterable[str] = (), project: bool = False) -> list[str]:
    """List what pyproject.toml asks for."""
    data = tomllib.loads(read_text(PROJECT))
    requirements: list[str] = list(data["project"]["dependencies"]) if project else []
    for group in groups:
        for item in data["dependency-groups"][group]:
            included = item if isinstance(item, str) else item["include-group"]
            requirements += [item] if included == item else wanted(groups=[included])
    return requirements


def closure(requirements: Iterable[str], known: dict[str, Distribution]) -> set[str]:
    """Follow requirements through the metadata of installed distributions, extras included."""
    reached: set[tuple[str, str]] = set()
    queue = [(Requirement(text), "") for text in requirements]
    while queue:
        requirement, extra = queue.pop()
        marker = requirement.marker
        if marker is not None and not marker.evaluate({**ENVIRONMENT, "extra": extra}):
            continue
        name = canonicalize_name(requirement.name)
        for wanted_extra in {"", *requirement.extras}:
            if (name, wanted_extra) in reached:
                continue
            reached.add((name, wanted_extra))
            if name in known:
                requires = known[name].requires or []
                queue += [(Requirement(text), wanted_extra) for text in requires]
    return {name for name, _ in reached}


def by_name(found: Iterable[Distribution]) -> dict[str, Distribution]:
    """Index distributions by normalised name."""
    return {canonicalize_name(item.metadata["Name"]): item for item in found}


def unsatisfied(requirements: Iterable[str], versions: dict[str, str]) -> Iterator[str]:
    """Find the requirements that a set of locked versions does not satisfy."""
    for text in requirements:
        requirement = Requirement(text)
        version = versions.get(canonicalize_name(requirement.name))
        if version is None:
            yield f"{text}: not locked"
        elif version not in requirement.specifier:
            yield f"{text}: locked at {version}"


@pytest.mark.parametrize(
    ("group", "lock"),
    [
        ("dev", DEVELOPMENT_LOCK),
        ("emulator", EMULATOR_LOCK),
        ("celery", CELERY_LOCK),
        ("oracle", ORACLE_LOCK),
        ("fuzz", FUZZ_LOCK),
        ("simulator", SIMULATOR_LOCK),
    ],
)
def test_a_lock_satisfies_pyproject(group: str, lock: str) -> None:
    """A dependency that was added or moved without `make lock` is found."""
    requirements = wanted(project=group == "dev", groups=[group])
    assert list(unsatisfied(requirements, locked_versions(lock))) == []


def test_a_dependency_without_a_lock_is_found() -> None:
    """The check above is not an empty one."""
    versions = locked_versions(DEVELOPMENT_LOCK)
    assert list(unsatisfied(["no-such-package>=1"], versions)) == ["no-such-package>=1: not locked"]
    assert list(unsatisfied(["boto3>=1000"], versions)) == [
        f"boto3>=1000: locked at {versions['boto3']}"
    ]


def test_the_development_lock_holds_what_is_needed_and_nothing_else() -> None:
    """Nothing lingers in the lock that no dependency asks for, and nothing is missing."""
    needed = closure(wanted(project=True, groups=["dev"]), by_name(distributions()))
    assert needed - set(WITHOUT_NUMPY) == set(locked_versions(DEVELOPMENT_LOCK))


def test_what_is_installed_is_what_is_locked() -> None:
    """The tests run on the locked versions, and on nothing that was installed by hand."""
    installed = {name: item.version for name, item in by_name(distributions()).items()}
    assert installed == locked_versions(DEVELOPMENT_LOCK)


def test_requirements_txt_is_the_run_time_part_of_the_lock() -> None:
    """What goes into the Lambda package is what was tested, to the byte: no drift."""
    run_time = closure(lambda_dependencies(), by_name(distributions()))
    exported = read_pins(LAMBDA_REQUIREMENTS)
    assert {pin.name for pin in exported if pin.applies} == run_time
    names = {pin.name for pin in exported}
    assert set(exported) == {pin for pin in read_pins(DEVELOPMENT_LOCK) if pin.name in names}


def test_the_lock_of_what_runs_is_its_part_of_the_development_lock() -> None:
    """A stage runs and deploys on the versions that were tested, and installs nothing else."""
    needed = closure(wanted(project=True, groups=["run"]), by_name(distributions()))
    exported = read_pins(RUN_LOCK)
    assert {pin.name for pin in exported if pin.applies} == needed - set(WITHOUT_NUMPY)
    assert set(exported) <= set(read_pins(DEVELOPMENT_LOCK))


def test_the_simulators_lock_is_a_part_of_the_development_lock() -> None:
    """What executes circuits on Lambda is what was tested, to the byte, and has no numpy."""
    exported = read_pins(SIMULATOR_LOCK)
    assert {pin.name for pin in exported} == {"openqasm", "prism-q"}
    assert set(exported) <= set(read_pins(DEVELOPMENT_LOCK))


def test_requirements_txt_leaves_chalice_to_chalice() -> None:
    """Chalice's packager adds its own run-time files; listed, it would bring its command line."""
    names = {pin.name for pin in read_pins(LAMBDA_REQUIREMENTS)}
    assert names.isdisjoint({"chalice", "click", "inquirer", "pip", "setuptools", "wheel"})
    assert {"boto3", "botocore", "msgspec", "pynamodb"} <= names


@pytest.mark.parametrize(
    "name",
    [
        DEVELOPMENT_LOCK,
        EMULATOR_LOCK,
        CELERY_LOCK,
        ORACLE_LOCK,
        FUZZ_LOCK,
        RUN_LOCK,
        SIMULATOR_LOCK,
        LAMBDA_REQUIREMENTS,
    ],
)
def test_lock_files_pin_by_hash_and_name_no_place(name: str) -> None:
    """What is installed is checked; where it comes from is the installing machine's business."""
    text = read_text(name)
    for forbidden in ("://", "file:", "index", "find-links", "trusted-host", " @ "):
        assert forbidden not in text
    pins = read_pins(name)
    assert pins
    assert all(pin.hashes for pin in pins)
    assert all(item.startswith("sha256:") for pin in pins for item in pin.hashes)


def test_the_interpreter_is_supported() -> None:
    """The locks hold from the oldest supported Python on."""
    requires = tomllib.loads(read_text(PROJECT))["project"]["requires-python"]
    assert requires == ">=3.11"
    assert sys.version_info >= (3, 11)
    assert distribution("chalice").version == locked_versions(DEVELOPMENT_LOCK)["chalice"]
