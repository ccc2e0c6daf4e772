"""What README and examples show is run, on the real simulator."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.client.process import DEADLINE_SECONDS, ROOT, environment
from tests.client.serving import Running
from tests.client.simulating import simulating_service
from tests.client.test_environment import ENVIRONMENT
from tools.environment import make_environment

README = (ROOT / "client" / "README.md").read_text(encoding="utf-8")
BELL = (
    'OPENQASM 3.0;\ninclude "stdgates.inc";\nqubit[2] q;\nbit[2] c;\n'
    "h q[0];\ncx q[0], q[1];\nc = measure q;\n"
)

#: What each example must print, on lines that a pattern matches whole.
EXAMPLES = {
    "bell.py": r"00 (4|5)\d%\n11 (4|5)\d%\n",
    "ghz.py": r"((0000…0000|1111…1111) \d+\n){2}",
    "teleportation.py": r"received 1: (1[789]|2[0123])%\n",
    "qft.py": r"peaks at \[0, 16, 32, 48\]\n",
    "sweep.py": r"0\.00 \n(\d\.\d\d #+\n){7}3\.14 #{40}\n",
}


@pytest.fixture(scope="module")
def simulating() -> Iterator[Running]:
    """Run a service whose results are the real simulator's."""
    yield from simulating_service()


def blocks(language: str) -> list[str]:
    """Return README's blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def run(url: str, *command: str, **more: str) -> str:
    """Run a program to its good end and return what it wrote."""
    done = subprocess.run(
        command,
        env=environment(url, **more),
        capture_output=True,
        text=True,
        timeout=DEADLINE_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("name", EXAMPLES)
def test_each_example_prints_what_it_says(name: str, simulating: Running) -> None:
    """On a service that simulates."""
    out = run(simulating.url, sys.executable, str(ROOT / "examples" / name))
    assert re.fullmatch(EXAMPLES[name], out), out


def test_the_example_with_qiskit_runs(simulating: Running) -> None:
    """In the environment that has Qiskit."""
    make_environment(ENVIRONMENT, ROOT / "requirements-client.lock")
    python = str(ENVIRONMENT / "bin" / "python")
    out = run(simulating.url, python, str(ROOT / "examples" / "with_qiskit.py"))
    assert out == "['000', '111']\n"


def test_no_example_is_left_out() -> None:
    """Every script of the folder that uses the client is run above."""
    scripts = {
        file.name
        for file in (ROOT / "examples").glob("*.py")
        if "quantum_tasks" in file.read_text(encoding="utf-8")
    }
    assert scripts == {*EXAMPLES, "with_qiskit.py"}


def test_the_python_of_the_readme_runs_from_top_to_bottom(simulating: Running) -> None:
    """All blocks in one program, as a reader would paste them."""
    found = blocks("python")
    assert len(found) >= 6
    out = run(simulating.url, sys.executable, "-c", "\n".join(found))
    assert "completed" in out
    assert "[10, 100, 1000]" in out


def test_the_commands_of_the_readme_run(simulating: Running, tmp_path: Path) -> None:
    """In a real shell that finds `qtasks` and `bell.qasm`."""
    (tmp_path / "bell.qasm").write_text(BELL)
    script = tmp_path / "qtasks"
    script.write_text(
        f"#!{sys.executable}\nimport sys\nfrom quantum_tasks.cli import main\nsys.exit(main())\n"
    )
    script.chmod(0o755)
    (commands,) = blocks("sh")
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    program = f"set -eu; cd '{tmp_path}'\n{commands}"
    out = run(simulating.url, "sh", "-c", program, PATH=path)
    assert "completed" in out
    assert "bell.qasm: valid" in out
