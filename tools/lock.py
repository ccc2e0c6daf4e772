"""Pin every dependency: `make lock` runs this and rewrites the lock files.

The development lock is resolved first, for every supported Python at once; what goes into the
Lambda package is exported *from* it, so that what was tested is what is shipped. Neither names
an index: where packages come from is the business of the machine that installs them.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent

PROJECT: Final = "pyproject.toml"
DEVELOPMENT_LOCK: Final = "requirements-dev.lock"
RUN_LOCK: Final = "requirements-run.lock"
SIMULATOR_LOCK: Final = "requirements-simulator.lock"
CLIENT_LOCK: Final = "requirements-client.lock"
EMULATOR_LOCK: Final = "requirements-emulator.lock"
CELERY_LOCK: Final = "requirements-celery.lock"
ORACLE_LOCK: Final = "requirements-oracle.lock"
FUZZ_LOCK: Final = "requirements-fuzz.lock"
LAMBDA_REQUIREMENTS: Final = "requirements.txt"

#: Chalice copies its own run-time files (`chalice/app.py`, `chalice/__init__.py`) into the package
#: and drops a `chalice/` that came from requirements.txt, but it would keep what Chalice's command
#: line depends on (pip, setuptools, click, inquirer, …): so it is not listed there.
VENDORED_BY_CHALICE: Final = frozenset({"chalice"})

#: prism-q names numpy, and needs it for arrays only; nothing here asks for one.
WITHOUT_NUMPY: Final = ("--no-emit-package", "numpy")

_MADE: Final = "Made by `make lock`; do not edit.\n"
HEADERS: Final = {
    DEVELOPMENT_LOCK: f"# The development environment, run-time packages included. {_MADE}",
    RUN_LOCK: f"# What runs and deploys a stage: a part of requirements-dev.lock. {_MADE}",
    CLIENT_LOCK: f"# The client with its lowest urllib3, and with Qiskit. {_MADE}",
    EMULATOR_LOCK: f"# MiniStack's own environment (it pins botocore). {_MADE}",
    CELERY_LOCK: f"# Celery, which `make benchmark` measures against. {_MADE}",
    ORACLE_LOCK: f"# What the simulator is held against, an environment of its own. {_MADE}",
    FUZZ_LOCK: f"# Schemathesis, which `make fuzz` and a test run as a program. {_MADE}",
    SIMULATOR_LOCK: """\
# What circuits are executed with, for the Lambda package: a part of requirements-dev.lock. Made by
# `make lock`; do not edit.
""",
    LAMBDA_REQUIREMENTS: """\
# For the Lambda package: a part of requirements-dev.lock. Made by `make lock`; do not edit.
# Chalice is not here: its packager adds the two files of it that run on Lambda, and would add all
# that its command line needs (pip, setuptools, click, ...) if it were listed.
""",
}


def distribution_name(requirement: str) -> str:
    """Give the distribution's name in a PEP 508 requirement, normalised as PyPA has it."""
    match = re.match(r"[A-Za-z0-9][A-Za-z0-9._-]*", requirement)
    if match is None:
        message = f"not a requirement: {requirement!r}"
        raise ValueError(message)
    return re.sub(r"[-_.]+", "-", match.group()).rstrip("-").lower()


def lambda_dependencies(root: Path = ROOT) -> list[str]:
    """List the direct run-time dependencies that Chalice does not vendor."""
    project = tomllib.loads((root / PROJECT).read_text(encoding="utf-8"))
    requirements: list[str] = project["project"]["dependencies"]
    return [item for item in requirements if distribution_name(item) not in VENDORED_BY_CHALICE]


def compile_lock(
    output: str, *sources: str, options: tuple[str, ...] = (), stdin: str = ""
) -> None:
    """Resolve `sources` for every supported Python and write `output`, hashes and markers included.

    uv takes the versions that are locked already as preferences, so that a version moves only
    where it has to or where an option (`--upgrade`, `--upgrade-package NAME`) says so. A file that
    stays the same is not written: make would install its environment again.
    """
    path = ROOT / output
    before = path.read_text(encoding="utf-8") if path.exists() else ""
    with tempfile.TemporaryDirectory() as directory:
        resolved = Path(directory) / output
        resolved.write_text(before, encoding="utf-8")
        command = [
            *(sys.executable, "-m", "uv", "pip", "compile", "--quiet"),
            *("--universal", "--python-version", "3.11"),
            *("--generate-hashes", "--no-header", "--no-annotate"),
            *("--output-file", str(resolved)),
            *options,
            *sources,
        ]
        subprocess.run(command, cwd=ROOT, input=stdin, text=True, check=True)
        after = HEADERS[output] + resolved.read_text(encoding="utf-8")
    if after != before:
        path.write_text(after, encoding="utf-8")


def main(options: tuple[str, ...]) -> None:
    """Write the lock files, the exported ones last; `options` go to uv."""
    compile_lock(DEVELOPMENT_LOCK, PROJECT, "--group", "dev", options=(*options, *WITHOUT_NUMPY))
    part_of_development = ("--constraints", DEVELOPMENT_LOCK, *WITHOUT_NUMPY)
    compile_lock(RUN_LOCK, PROJECT, "--group", "run", options=part_of_development)
    compile_lock(CLIENT_LOCK, "--group", "client", options=options)
    compile_lock(EMULATOR_LOCK, "--group", "emulator", options=options)
    compile_lock(CELERY_LOCK, "--group", "celery", options=options)
    compile_lock(ORACLE_LOCK, "--group", "oracle", options=options)
    compile_lock(FUZZ_LOCK, "--group", "fuzz", options=options)
    compile_lock(SIMULATOR_LOCK, "--group", "simulator", options=part_of_development)
    compile_lock(
        LAMBDA_REQUIREMENTS,
        "-",
        options=("--constraints", DEVELOPMENT_LOCK),
        stdin="\n".join(lambda_dependencies()),
    )


if __name__ == "__main__":
    main(tuple(sys.argv[1:]))
