"""Help, completion and start-up of `qtasks`."""

from __future__ import annotations

import argparse
import os
import re
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable

import pytest

from quantum_tasks.cli import completion, exits, parser
from tests.client.process import COMMAND, ROOT, environment, qtasks

NOWHERE = "http://127.0.0.1:1"


def commands() -> list[str]:
    """Return the names of all commands."""
    return [c.name for c in completion.commands(parser.build())]


def test_help_says_the_exit_codes() -> None:
    """Of the program and of each command; README has the same table."""
    helps = [qtasks(NOWHERE, "--help").out, *(qtasks(NOWHERE, c, "--help").out for c in commands())]
    for text in helps:
        for code, meaning in exits.TABLE:
            assert f"{code:3}  {meaning}" in text
    readme = (ROOT / "client" / "README.md").read_text()
    for code, meaning in exits.TABLE:
        assert f"| {code} | {meaning} |" in readme


def test_help_names_every_command_and_variable() -> None:
    """As a manual page does."""
    text = qtasks(NOWHERE, "--help").out
    for word in [*commands(), "QTASKS_URL", "QTASKS_PROFILE", "NO_COLOR", "config.toml"]:
        assert word in text


def complete(*words: str) -> set[str]:
    """Complete the last word in a real bash, which need not be on the PATH."""
    bash = shutil.which("bash") or shutil.which("bash", path=os.defpath)
    if bash is None:
        pytest.skip("there is no bash on this machine")
    script = qtasks(NOWHERE, "completion", "bash").out
    line = " ".join(f"'{word}'" for word in words)
    program = (
        f"{script}\nCOMP_WORDS=({line}); COMP_CWORD={len(words) - 1}; _qtasks;"
        ' printf "%s\\n" "${COMPREPLY[@]}"'
    )
    done = subprocess.run([bash, "-c", program], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return set(done.stdout.split())


def test_bash_completes_commands_options_and_values() -> None:
    """In a real bash, from the script that `qtasks completion bash` prints."""
    assert set(commands()) <= complete("qtasks", "")
    assert complete("qtasks", "wa") == {"wait", "watch"}
    assert complete("qtasks", "run", "--sh") == {"--shots"}
    assert "failed" in complete("qtasks", "list", "--status", "")
    assert complete("qtasks", "completion", "") == {"bash", "zsh", "fish"}
    assert "README.md" in complete("qtasks", "run", str(ROOT / "READ")).pop()


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells_get_every_command_and_option(shell: str) -> None:
    """And where the shell is installed, it can read the script."""
    script = qtasks(NOWHERE, "completion", shell).out
    for command in completion.commands(parser.build()):
        assert command.name in script
        for option in command.options:
            assert all(name.lstrip("-") in script for name in option.names)
    program = shutil.which(shell)
    if program is not None:
        subprocess.run([program, "-n"], input=script, text=True, check=True)


def test_abbreviations_of_values_are_refused_as_usage() -> None:
    """Argparse's own errors have its exit code, which is the client's too."""
    with pytest.raises(SystemExit) as caught:
        parser.build().parse_args(["completion", "tcsh"])
    assert caught.value.code == exits.USAGE
    assert isinstance(parser.build(), argparse.ArgumentParser)


def cpu_seconds(command: list[str]) -> float:
    """Return the least processor time of several runs of a process."""
    times = []
    for _ in range(7):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(command, env=environment(NOWHERE), stdout=subprocess.DEVNULL, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        times.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return min(times)


def test_help_starts_as_quickly_as_argparse_and_urllib3(figures: Callable[[str], None]) -> None:
    """At most twice the processor time of a bare process that imports both, in one run."""
    bare = cpu_seconds([sys.executable, "-c", "import argparse, urllib3"])
    client = cpu_seconds([*COMMAND, "--help"])
    figures(f"qtasks --help: {client:.3f} s of CPU, argparse and urllib3 {bare:.3f} s")
    assert client <= 2 * bare


def test_help_imports_nothing_that_talks_to_a_service() -> None:
    """What makes a start slow, by name."""
    heavy = ["urllib3", "ssl", "asyncio", "http.client", "socket"]
    probe = (
        "import sys; from quantum_tasks.cli import parser; parser.build().format_help();"
        f"print([m for m in {heavy} if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", probe], env=environment(NOWHERE), capture_output=True, check=True
    )
    assert re.fullmatch(rb"\[\]\s*", done.stdout)
