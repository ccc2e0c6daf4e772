"""What executes circuits, put where a plain `chalice deploy` packages it from: `vendor/`."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path
from typing import Final

from infra.package.dependencies import HERE, install, this_architecture
from infra.package.workspace import SIMULATOR_LOCK
from infra.stage import StageSpec

#: Says of which lock, and for which machine, the directory was filled.
_STAMP: Final = "simulator-lock.txt"


def fill_vendor(root: Path, spec: StageSpec, *, for_this_machine: bool = False) -> None:
    """Fill the checkout's `vendor/`, unless it is as the lock and the stage want it.

    Raises:
        DependenciesUnavailable: a package has no wheel for Lambda, or is not what is locked.
    """
    lock, vendor = root / SIMULATOR_LOCK, root / "vendor"
    architecture = this_architecture() if for_this_machine else spec.architecture
    digest = hashlib.sha256(lock.read_bytes()).hexdigest()
    stamp = f"{digest} {architecture} {spec.runtime}\n"
    if (vendor / _STAMP).exists() and (vendor / _STAMP).read_text() == stamp:
        return
    shutil.rmtree(vendor, ignore_errors=True)
    vendor.mkdir()
    source = HERE if for_this_machine else spec.architecture
    install(lock, vendor, architecture=source, runtime=spec.runtime)
    (vendor / _STAMP).write_text(stamp)
