"""Make a virtual environment from a lock file: `python3 tools/environment.py DIRECTORY LOCK`.

Runs on the machine's own Python, so it needs the standard library only. An old environment is
replaced, so that nothing unlocked lingers; its stamp, the digest of the lock file, is written last,
so that an installation that failed or was killed half-way is done again. Two makes at once wait for
each other (a lock on the lock file, which pip holds too should it survive this program), and the
second finds the work done.

pip and not uv does it: uv does not read the pip configuration by which many machines reach their
packages, and pip takes half a minute.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

STAMP: Final = ".installed"

INSTALL: Final = (
    *("-m", "pip", "install", "--disable-pip-version-check", "--no-input"),
    *("--quiet", "--quiet"),  # errors only
    *("--no-deps", "--require-hashes", "--requirement"),  # the lock is the whole closure
)


def discard(directory: Path) -> None:
    """Move an environment away, then remove it: a program that runs from it may write to it."""
    old = directory.with_name(f"{directory.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if directory.exists():
        directory.rename(old)
        shutil.rmtree(old, ignore_errors=True)


def make_environment(directory: Path, lock: Path) -> None:
    """Make `directory` hold what `lock` says, unless it does already; the stamp is renewed."""
    with lock.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        digest = hashlib.sha256(file.read()).hexdigest()
        stamp = directory / STAMP
        python = directory / "bin" / "python"
        if not (python.exists() and stamp.exists() and stamp.read_text() == digest):
            print(f"installing {lock.name} into {directory} (once)", file=sys.stderr)
            discard(directory)
            for command in (
                [sys.executable, "-m", "venv", str(directory)],
                [str(python), *INSTALL, str(lock)],
            ):
                subprocess.run(command, check=True, pass_fds=[file.fileno()])
        stamp.write_text(digest)
        os.utime(stamp)


if __name__ == "__main__":
    try:
        make_environment(Path(sys.argv[1]), Path(sys.argv[2]))
    except subprocess.CalledProcessError as exc:
        sys.exit(f"{sys.argv[1]} could not be made: {exc}")
    except KeyboardInterrupt:
        sys.exit(130)
