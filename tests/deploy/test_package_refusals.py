"""What stops a package from being built or shipped, and what is then said."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from infra.local.settings import ROOT
from infra.package import archive
from infra.package.archive import PackageRefused, check, compile_tree, write_zip
from infra.package.dependencies import HERE, DependenciesUnavailable, install
from infra.package.packaging import make_package
from infra.package.workspace import ChaliceFailed, Workspace
from infra.stage import InvalidStage, StageSpec


def test_a_package_that_cannot_be_fetched_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In pip's own words, and for which platform it was."""
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    with pytest.raises(DependenciesUnavailable, match=r"for arm64, Python 3\.11:\nERROR: .*boto"):
        install(
            _only_boto3(tmp_path), tmp_path / "tree", architecture="arm64", runtime="python3.11"
        )


def test_an_environment_that_is_not_the_locked_one_is_refused(tmp_path: Path) -> None:
    """What is tested would not be what is shipped."""
    requirements = tmp_path / "requirements.txt"
    requirements.write_text("boto3==1.0.0 --hash=sha256:" + 64 * "0" + "\n")
    with pytest.raises(DependenciesUnavailable, match=r"1\.0\.0 is locked, \S+ is installed"):
        install(requirements, tmp_path / "tree", architecture=HERE, runtime="python3.11")


def _only_boto3(directory: Path) -> Path:
    text = (ROOT / "requirements.txt").read_text()
    start = text.index("boto3==")
    target = directory / "requirements.txt"
    target.write_text(text[start : text.index("botocore==")])
    return target


def test_chalice_must_take_the_prepared_package(spec: StageSpec, tmp_path: Path) -> None:
    """If it builds one of its own, that is not shipped: large, uncompiled, never tested."""
    project = Workspace(ROOT, tmp_path / "project", spec)
    (project.directory / ".chalice").mkdir(parents=True)
    (project.directory / ".chalice" / "config.json").write_text(
        '{"version": "2.0", "app_name": "x"}'
    )
    (project.directory / "app.py").write_text("import chalice\napp = chalice.Chalice('x')\n")
    with pytest.raises(ChaliceFailed, match="did not take the prepared package"):
        project.chalice("package", str(tmp_path / "out"), region="us-east-1")


def test_a_failure_of_chalice_is_told_in_its_own_words(spec: StageSpec, tmp_path: Path) -> None:
    """The person who deploys sees what it said."""
    project = Workspace(ROOT, tmp_path / "project", spec)
    project.directory.mkdir()
    with pytest.raises(ChaliceFailed, match="Unable to load the project config file"):
        project.chalice("package", "--stage", spec.stage, str(tmp_path / "out"), region="us-east-1")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Return a tiny package's directory, fit to be shipped."""
    tree = tmp_path / "tree"
    (tree / "botocore" / "data" / "sqs").mkdir(parents=True)
    (tree / "botocore" / "data" / "sqs" / "service-2.json").write_text("{}")
    (tree / "module.py").write_text("answer = 42\n")
    extension = b"\x7fELF" + bytes(14) + (62).to_bytes(2, "little")
    (tree / "extension.so").write_bytes(extension)
    compile_tree(tree)
    return tree


def corrupt(tree: Path, kind: str) -> None:
    """Break one thing of a good package."""
    module = tree / "module.py"
    if kind == "late":
        (tree / "late.py").write_text("pass\n")
    elif kind == "another source":
        module.write_text("answer = 43\n")
    elif kind in {"timestamp", "checked-hash"}:  # Python would check the source at each start
        mode = ("--invalidation-mode", kind)
        subprocess.run([sys.executable, "-m", "compileall", "-q", "-f", *mode, module], check=True)
    elif kind == "tests":
        (tree / "package" / "tests").mkdir(parents=True)
        (tree / "package" / "tests" / "data.txt").write_text("")


@pytest.mark.parametrize(
    ("kind", "changed", "told"),
    [
        ("good", {}, ""),
        ("late", {}, "modules without valid bytecode: late.py"),
        ("another source", {}, "modules without valid bytecode: module.py"),
        ("timestamp", {}, "modules without valid bytecode: module.py"),
        ("checked-hash", {}, "modules without valid bytecode: module.py"),
        ("tests", {}, "tests: package/tests/data.txt"),
        (
            "good",
            {"services": frozenset({"dynamodb", "sqs"})},
            "data of sqs instead of dynamodb, sqs",
        ),
        ("good", {"architecture": "arm64"}, "built for x86_64 instead of arm64"),
        ("too large", {}, "more than 100"),
    ],
)
def test_what_must_not_be_shipped_is_named(
    tree: Path, monkeypatch: pytest.MonkeyPatch, kind: str, changed: dict[str, Any], told: str
) -> None:
    """Slow or wrong bytecode, files that are not for Lambda, data and extensions of others."""
    corrupt(tree, kind)
    if kind == "too large":
        monkeypatch.setattr(archive, "ZIP_BYTES_MAX", 100)
    package = tree.with_suffix(".zip")
    write_zip(tree, package)
    expected = {"services": frozenset({"sqs"}), "architecture": "x86_64"} | changed
    if not told:
        check(package, **expected)
        assert package.exists()
        return
    with pytest.raises(PackageRefused, match=told):
        check(package, **expected)


def test_a_stage_is_built_by_its_own_python_only(spec: StageSpec, tmp_path: Path) -> None:
    """Two people with two Pythons would otherwise deploy two runtimes unnoticed."""
    other = dataclasses.replace(spec, runtime="python3.10")
    with pytest.raises(InvalidStage, match=r"runs on python3\.10 .* PYTHON=python3\.10"):
        make_package(ROOT, other, tmp_path)
    assert list(tmp_path.iterdir()) == []
