"""The zip: complete, compiled, small, and the same whenever it is built."""

from __future__ import annotations

import dataclasses
import json
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.local.settings import ROOT
from infra.package import botocore_data
from infra.package.aws_location import ANY_LOCATION, location_of_arn
from infra.package.dependencies import fetch_command, pinned, this_architecture
from infra.package.packaging import Package, make_package
from infra.package.workspace import SIMULATOR_LOCK
from infra.stage import StageSpec
from tests.support.circuits import BELL
from tests.support.evidence import FULL

#: Runs in the unpacked package, with this interpreter's standard library and nothing else.
IMPORT_EVERYTHING = (
    f"BELL = {BELL!r}"
    """
import json, pathlib, sys
tree = sys.argv[1]
sys.path.append(tree)
for path in sorted(pathlib.Path(tree, "chalicelib").rglob("*.py")):
    parts = path.relative_to(tree).with_suffix("").parts
    __import__(".".join(part for part in parts if part != "__init__"))
import app
from chalicelib import composition
service = composition.get_service()
service.ports.store.client.meta.service_model.operation_model("UpdateItem")
from chalicelib.domain.task import TaskRequest
from chalicelib.executors import simulator
bell = TaskRequest(circuit=BELL, shots=100, tags={})
assert set(simulator.build().execute(bell, time_limit_seconds=9).counts) == {"00", "11"}
try:
    service.check_health()
except Exception as exc:
    print(type(exc), file=sys.stderr)
print(json.dumps({
    name: getattr(module, "__file__", None) or "" for name, module in sys.modules.items()
}))
"""
)


@pytest.fixture(scope="module")
def unpacked(package: Package, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Unpack the package as Lambda does."""
    tree = tmp_path_factory.mktemp("var-task")
    with zipfile.ZipFile(package.archive) as zipped:
        zipped.extractall(tree)
    return tree


def test_cloudformation_takes_the_template_without_a_bucket(package: Package) -> None:
    """Also that of a stage with CORS, as this is: each route has one more method."""
    template = package.template.read_bytes()
    assert template.count(b'"options":') >= 7
    assert len(template) <= 51_200


def test_the_client_is_not_in_the_package(unpacked: Path) -> None:
    """It is a package of its own, installed by users; Lambda would only carry it."""
    names = {path.name for path in unpacked.rglob("*")}
    assert not names & {"client", "quantum_tasks", "page.html", "qtasks"}


def test_the_package_holds_all_that_it_imports(unpacked: Path) -> None:
    """With the zip and the standard library alone everything imports and a service is built."""
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", IMPORT_EVERYTHING, str(unpacked)],
        env={
            "STAGE": "dev",
            "TASKS_TABLE_NAME": "t",
            "TASKS_QUEUE_URL": "http://127.0.0.1:9/0/q",
            "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
            "AWS_ACCESS_KEY_ID": "k",
            "AWS_SECRET_ACCESS_KEY": "s",
            "AWS_REGION": "us-east-1",
            "AWS_DEFAULT_REGION": "us-east-1",
        },
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    loaded: dict[str, str] = json.loads(done.stdout.splitlines()[-1])
    for name in (
        "app",
        "chalice.app",
        "botocore.client",
        "msgspec._core",
        "openqasm",
        "prism_q._prism_q",
        "pynamodb",
        "chalicelib.entrypoints.worker",
    ):
        assert loaded[name].startswith(str(unpacked)), name
    assert not [path for path in loaded.values() if "site-packages" in path]


def test_the_package_is_what_may_be_shipped(package: Package) -> None:
    """At most 10 MB, every module compiled, no tests, data of two services."""
    found = package.inspection
    assert found.zip_bytes <= 10_000_000
    assert found.modules > 350
    assert (found.uncompiled, found.tests) == ((), ())
    assert found.services == ("dynamodb", "sqs")
    assert found.architectures == (this_architecture(),)
    print(f"\n{found.zip_bytes:,} bytes zipped, {found.unpacked_bytes:,} unpacked")


def test_the_package_holds_what_is_locked(unpacked: Path) -> None:
    """Each package of both locks is there at its version, with its licence."""
    infos = {path.name for path in unpacked.glob("*.dist-info")}
    names = {name.removesuffix(".dist-info").replace("-", "==").lower() for name in infos}
    locked = {f"{p.name}{p.specifier}".replace("-", "_").lower() for p in _applicable()}
    assert names == locked
    for info in infos:
        assert (unpacked / info / "METADATA").exists()
        assert not (unpacked / info / "RECORD").exists()


def test_lambda_gets_the_wheels_of_its_own_platform(tmp_path: Path) -> None:
    """By hash, for the functions' Python and processor, and old enough a C library for all."""
    command = fetch_command(
        ROOT / "requirements.txt", tmp_path, architecture="arm64", version="3.12"
    )
    assert {"--require-hashes", "--only-binary=:all:", "--no-deps"} <= set(command)
    assert command[command.index("--python-version") + 1] == "3.12"
    platforms = {word for word in command if word.startswith("--platform=")}
    assert platforms == {"--platform=manylinux2014_aarch64", "--platform=manylinux_2_17_aarch64"}


def test_two_builds_are_the_same_bytes(
    package: Package, checkout: Path, spec: StageSpec, tmp_path: Path
) -> None:
    """A commit that is built again gives what was deployed, whatever bytecode lies around.

    Chalice hashes all that lies in chalicelib/, so it is given a copy with sources only.
    """
    root = tmp_path / "checkout"
    shutil.copytree(checkout, root)
    stale = root / "chalicelib" / "__pycache__" / "stale.cpython-311.pyc"
    stale.parent.mkdir()
    stale.write_bytes(b"anything")
    again = make_package(root, spec, tmp_path / "out", for_this_machine=True)
    assert again.archive.read_bytes() == package.archive.read_bytes()
    assert again.template.read_bytes() == package.template.read_bytes()


#: It fetches wheels, and takes as long as all tests before it: `make prove` says EVIDENCE=full.
in_full = pytest.mark.skipif(not FULL, reason="EVIDENCE=full")


@pytest.fixture(scope="module")
def for_lambda(
    checkout: Path, spec: StageSpec, tmp_path_factory: pytest.TempPathFactory
) -> Package:
    """Build for Lambda's arm64, of its wheels by hash, whatever machine this is."""
    arm = dataclasses.replace(spec, architecture="arm64")
    return make_package(checkout, arm, tmp_path_factory.mktemp("arm64"))


@in_full
def test_the_package_for_lambda_is_small(for_lambda: Package) -> None:
    """At most 10 MB with a margin, and built for arm64 alone."""
    found = for_lambda.inspection
    assert found.architectures == ("arm64",)
    assert found.zip_bytes <= 9_500_000
    assert (found.uncompiled, found.tests) == ((), ())


@in_full
def test_the_package_for_lambda_holds_what_was_tested(
    for_lambda: Package, package: Package
) -> None:
    """Every file of the package that runs here, and no other; Python's own text is the same."""
    with zipfile.ZipFile(for_lambda.archive) as there, zipfile.ZipFile(package.archive) as here:
        names_there, names_here = set(there.namelist()), set(here.namelist())
        assert {_of_any_machine(n) for n in names_there} == {_of_any_machine(n) for n in names_here}
        common = names_there & names_here
        different = {name for name in common if there.read(name) != here.read(name)}
    assert {Path(name).suffix for name in different} <= {".so"}
    assert any("prism_q" in name for name in names_there)
    assert not any(name.startswith("numpy") for name in names_there)


def _of_any_machine(name: str) -> str:
    """Return a file's name without the machine that it was built for."""
    return re.sub(r"(x86_64|aarch64)-linux-gnu", "any", name)


def test_a_cut_model_keeps_what_operations_are_made_of() -> None:
    """Names that happen to be `documentation` are names; only botocore's own word goes."""
    model = {
        "operations": {
            "Get": {"input": {"shape": "In"}, "errors": [{"shape": "Bad"}], "documentation": "x"},
            "Unused": {"input": {"shape": "Other"}},
        },
        "shapes": {
            "In": {"members": {"documentation": {"shape": "Text", "documentation": "x"}}},
            "Bad": {"documentation": "x"},
            "Text": {"type": "string"},
            "Other": {},
        },
    }
    assert botocore_data.cut_model(model, frozenset({"Get"})) == {
        "operations": {"Get": {"input": {"shape": "In"}, "errors": [{"shape": "Bad"}]}},
        "shapes": {
            "In": {"members": {"documentation": {"shape": "Text"}}},
            "Bad": {},
            "Text": {"type": "string"},
        },
    }


def test_a_policy_names_the_place_of_the_stage() -> None:
    """The wildcards for account and region become this account's and region's."""
    policy = {"Resource": ["arn:aws:sqs:*:*:tasks", "arn:aws:logs:*:*:log-group:/a:*"], "n": 1}
    place = location_of_arn("arn:aws-cn:dynamodb:cn-north-1:123456789012:table/t")
    assert place.named_in(policy) == {
        "Resource": [
            "arn:aws-cn:sqs:cn-north-1:123456789012:tasks",
            "arn:aws-cn:logs:cn-north-1:123456789012:log-group:/a:*",
        ],
        "n": 1,
    }
    assert ANY_LOCATION.named_in("arn:aws:sqs:*:*:tasks") == {
        "Fn::Sub": "arn:${AWS::Partition}:sqs:${AWS::Region}:${AWS::AccountId}:tasks"
    }


def _applicable() -> Iterator[Any]:
    for requirement in pinned(ROOT / "requirements.txt") + pinned(ROOT / SIMULATOR_LOCK):
        if requirement.marker is None or requirement.marker.evaluate():
            yield requirement
