"""What a function imports when it starts, by distribution: files and their bytes.

Only sources are counted, not bytecode, data or compiled extensions: the figures are the same on
each machine and Python with the same lock.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Final

from benchmarks.stubbed import ENVIRONMENT
from infra.local.settings import ROOT

#: A function's name in AWS ends with what it is; the API's has no suffix.
FUNCTIONS: Final = {"api": "quantum-tasks", "worker": "quantum-tasks-worker"}
_PROGRAM: Final = """
import json, pathlib, sys
import app
from chalicelib import composition
composition.get_service()
counted = {}
for module in list(sys.modules.values()):
    place = getattr(getattr(module, "__spec__", None), "origin", None)
    path = pathlib.Path(place or "")
    if "site-packages" not in path.parts or path.suffix != ".py" or not path.is_file():
        continue
    top = path.parts[path.parts.index("site-packages") + 1].split(".")[0]
    if top == "_distutils_hack":  # of an environment, and not of what is imported
        continue
    files, size = counted.get(top, (0, 0))
    counted[top] = (files + 1, size + path.stat().st_size)
own = sorted(name for name in sys.modules if name.split(".")[0] in {"app", "chalicelib"})
print(json.dumps({"distributions": counted, "own": own}))
"""


def count(function: str) -> dict[str, list[int]]:
    """Return files and bytes of each distribution that a function imports."""
    return _imported(function)[0]


def own_modules(function: str) -> list[str]:
    """Return the service's own modules that a function imports."""
    return _imported(function)[1]


def _imported(function: str) -> tuple[dict[str, list[int]], list[str]]:
    environment = {
        "PATH": os.defpath,
        **ENVIRONMENT,
        "STAGE": "prod",
        "AWS_LAMBDA_FUNCTION_NAME": FUNCTIONS[function],
    }
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    found = json.loads(done.stdout.splitlines()[-1])
    return found["distributions"], found["own"]
