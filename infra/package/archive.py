"""The zip that Lambda is given: compiled ahead of time, and the same bytes whenever it is built.

Lambda's file system is read-only, so Python could never keep what it compiles there: each cold
start would compile again. So each module comes with its bytecode, in the form that is taken without
a check of the source's time (PEP 552's unchecked hash), which a zip does not keep anyway.
"""

from __future__ import annotations

import dataclasses
import importlib.util
import marshal
import os
import stat
import struct
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path
from types import CodeType
from typing import Final

from infra.errors import UserError

#: A package that grew beyond this holds something that was not meant to ship.
ZIP_BYTES_MAX: Final = 10_000_000
#: Lambda's own limit on the unpacked package.
UNPACKED_BYTES_MAX: Final = 250 * 1024 * 1024
#: The earliest time that a zip can hold.
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)
#: Where Lambda unpacks it; stands in the tracebacks.
_ROOT_ON_LAMBDA: Final = "/var/task"
#: Bits of a `.pyc`'s second word: made from a hash, and not to be checked against the source.
_UNCHECKED_HASH: Final = 0b01
#: ELF's `e_machine`, by Lambda's name of the architecture.
_ELF_MACHINES: Final[Mapping[int, str]] = {62: "x86_64", 183: "arm64"}


class PackageRefused(UserError):
    """The package is not what may be shipped."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """What is in a package, as far as it is checked."""

    zip_bytes: int
    unpacked_bytes: int
    modules: int
    #: Modules without bytecode that this Python would take as it is.
    uncompiled: tuple[str, ...]
    tests: tuple[str, ...]
    #: Services that botocore or boto3 describes.
    services: tuple[str, ...]
    #: Of the extension modules.
    architectures: tuple[str, ...]


def compile_tree(tree: Path) -> None:
    """Compile every module of a directory, in a process of its own.

    What `marshal` writes depends on what else the process has interned: a new process that does
    the same in the same order writes the same.
    """
    command = [
        *(sys.executable, "-B", "-s", "-m", "compileall", "-q", "-j", "1"),
        *("--invalidation-mode", "unchecked-hash", "-s", str(tree), "-p", _ROOT_ON_LAMBDA),
        str(tree),
    ]
    environment = {**os.environ, "PYTHONHASHSEED": "0"}
    environment.pop("PYTHONPYCACHEPREFIX", None)
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        message = f"not everything compiles:\n{done.stdout}{done.stderr}"
        raise PackageRefused(message)


def write_zip(tree: Path, target: Path) -> None:
    """Pack a directory: names in order, one time and one mode for all."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for path in sorted(path for path in tree.rglob("*") if path.is_file()):
            entry = zipfile.ZipInfo(path.relative_to(tree).as_posix(), _EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 3  # Unix: what the mode means
            entry.external_attr = (stat.S_IFREG | 0o644) << 16
            archive.writestr(entry, path.read_bytes(), compresslevel=9)


def inspect(package: Path) -> Inspection:
    """Look into a package."""
    with zipfile.ZipFile(package) as archive:
        names = archive.namelist()
        modules = [name for name in names if name.endswith(".py")]
        extensions = [name for name in names if name.endswith(".so")]
        return Inspection(
            zip_bytes=package.stat().st_size,
            unpacked_bytes=sum(entry.file_size for entry in archive.infolist()),
            modules=len(modules),
            uncompiled=tuple(name for name in modules if not _has_bytecode(archive, name)),
            tests=tuple(name for name in names if _is_test(name)),
            services=tuple(sorted(filter(None, {_service(name) for name in names}))),
            architectures=tuple(
                sorted({_architecture(archive.read(name)[:20]) for name in extensions})
            ),
        )


def check(package: Path, *, services: frozenset[str], architecture: str) -> Inspection:
    """Refuse a package that must not be shipped.

    Raises:
        PackageRefused: naming everything that is wrong with it.
    """
    found = inspect(package)
    wrong: list[str] = []
    if found.zip_bytes > ZIP_BYTES_MAX:
        wrong.append(f"{found.zip_bytes:,} bytes, more than {ZIP_BYTES_MAX:,}")
    if found.unpacked_bytes > UNPACKED_BYTES_MAX:
        wrong.append(f"{found.unpacked_bytes:,} bytes unpacked, more than {UNPACKED_BYTES_MAX:,}")
    if found.uncompiled:
        wrong.append(f"modules without valid bytecode: {', '.join(found.uncompiled[:5])}")
    if found.tests:
        wrong.append(f"tests: {', '.join(found.tests[:5])}")
    if set(found.services) != services:
        wrong.append(
            f"data of {', '.join(found.services)} instead of {', '.join(sorted(services))}"
        )
    if set(found.architectures) != {architecture}:
        wrong.append(f"built for {', '.join(found.architectures)} instead of {architecture}")
    if wrong:
        message = f"{package.name}: {'; '.join(wrong)}"
        raise PackageRefused(message)
    return found


def _has_bytecode(archive: zipfile.ZipFile, name: str) -> bool:
    cached = importlib.util.cache_from_source(name)
    try:
        bytecode = archive.read(Path(cached).as_posix())
    except KeyError:
        return False
    source_hash = importlib.util.source_hash(archive.read(name))
    return (
        bytecode[:4] == importlib.util.MAGIC_NUMBER
        and struct.unpack("<I", bytecode[4:8])[0] == _UNCHECKED_HASH
        and bytecode[8:16] == source_hash
        and isinstance(marshal.loads(bytecode[16:]), CodeType)  # noqa: S302 - made by this build
    )


def _is_test(name: str) -> bool:
    parts = name.split("/")
    return bool({"test", "tests"} & set(parts[:-1])) or parts[-1].startswith(("test_", "conftest"))


def _service(name: str) -> str | None:
    parts = name.split("/")
    directory = 3
    if parts[0] in {"boto3", "botocore"} and parts[1] == "data" and len(parts) > directory:
        return parts[2]
    return None


def _architecture(header: bytes) -> str:
    if header[:4] != b"\x7fELF":
        return "not ELF"
    machine = struct.unpack("<H", header[18:20])[0]
    return _ELF_MACHINES.get(machine, f"machine {machine}")
