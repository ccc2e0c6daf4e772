"""What people see: short lines, and a command that works when pasted."""

from __future__ import annotations

import io
import json
import shlex
from pathlib import Path

import pytest

from infra.local.supervisor.supervisor import BELL_STATE, curl_line
from infra.local.supervisor.terminal import LogTail, Terminal, rendered


@pytest.mark.parametrize(
    ("entry", "shown"),
    [
        (
            {
                "level": "INFO",
                "message": "task completed",
                "task_id": "1b2c3d4e-5f60",
                "attempt": 1,
            },
            "task completed task=1b2c3d4e attempt=1",
        ),
        ({"level": "ERROR", "message": "no"}, "ERROR no"),
        (
            {"level": "WARNING", "message": "slow", "operation": "PutItem", "duration_ms": 200},
            "WARNING slow ms=200",
        ),
        (
            {"level": "INFO", "message": "dynamodb call", "operation": "PutItem", "duration_ms": 2},
            None,
        ),
        ({"level": "INFO", "message": "swept", "seen": 0}, None),
        ({"level": "INFO", "message": "swept", "seen": 2}, "swept"),
        ({"level": "DEBUG", "message": "detail"}, None),
        ({"_aws": {}, "submitted": [1.0]}, None),
    ],
)
def test_a_log_line_is_shortened(entry: dict[str, object], shown: str | None) -> None:
    """What is only for the file is not shown at all."""
    assert rendered(json.dumps(entry)) == shown


def test_what_is_not_json_is_shown_as_it_is() -> None:
    """Such as the trace of something that was not expected."""
    assert rendered("Traceback (most recent call last):") == "Traceback (most recent call last):"
    assert rendered("{not json") == "{not json"
    assert rendered("  ") is None
    assert len(rendered("x" * 10_000) or "") == 300


def test_a_tail_gives_whole_lines_that_came_since(tmp_path: Path) -> None:
    """Not what was there before, and no line twice or in halves."""
    path = tmp_path / "part.log"
    assert list(LogTail(path).lines()) == []
    path.write_text("before\n")
    tail = LogTail(path)
    with path.open("a") as log:
        log.write("one\ntw")
        log.flush()
        assert list(tail.lines()) == ["one"]
        log.write("o\n")
    assert list(tail.lines()) == ["two"]
    assert list(tail.lines()) == []


def test_lines_are_prefixed_and_a_closed_terminal_is_no_error() -> None:
    """The parts go on when its output is no longer read."""
    stream = io.StringIO()
    terminal = Terminal(stream)
    terminal.say("hello\nthere", "worker-1")
    assert stream.getvalue() == "worker-1   | hello\nworker-1   | there\n"
    stream.close()
    terminal.say("unread")
    terminal.plain("reads this")
    assert stream.closed


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("GET /tasks/\x1b]0;gone\x07", r"GET /tasks/\x1b]0;gone\x07"),
        ("\x9b2J\x00\x7f", r"\x9b2J\x00\x7f"),
        ("a\u202eb \ud800", r"a\u202eb \ud800"),
        ("café 𝄞", "café 𝄞"),
    ],
)
def test_no_control_character_reaches_the_terminal(text: str, shown: str) -> None:
    """Whatever a log line holds, as itself or escaped in JSON."""
    stream = io.StringIO()
    terminal = Terminal(stream)
    for line in (text, json.dumps({"level": "INFO", "message": text})):
        terminal.say(rendered(line) or "")
    assert stream.getvalue() == f"local      | {shown}\n" * 2


def test_the_printed_command_is_what_a_shell_understands() -> None:
    """The body survives the shell's quoting as the JSON that it is."""
    words = shlex.split(curl_line("http://127.0.0.1:8000"))
    assert words[0] == "curl"
    assert words[-1] == "http://127.0.0.1:8000/tasks"
    assert json.loads(words[words.index("-d") + 1]) == {"circuit": BELL_STATE, "shots": 1024}
