"""The command line, as argparse has it. Nothing here talks to a service: help is quick."""

from __future__ import annotations

import argparse
import json
import re
import typing
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from quantum_tasks.cli import exits
from quantum_tasks.protocol.requests import SubmissionFields
from quantum_tasks.version import VERSION

SHELLS: Final = ("bash", "zsh", "fish")

#: What a submission may say besides its circuit; its options are made of this.
_FIELDS: Final = typing.get_type_hints(SubmissionFields, include_extras=True)
_LETTERS: Final = {"shots": ["-n"]}
_NO_BROWSER: Final = "only print the page's address, and open nothing"

_DESCRIPTION: Final = """\
Submits quantum circuits, waits for them and shows their results.

Data goes to standard output, progress and errors to standard error. A FILE
of - is standard input."""

_ENVIRONMENT: Final = """\
environment:
  QTASKS_URL      where the service is
  QTASKS_PROFILE  the profile of the configuration file; else `default`
  QTASKS_CONFIG   the configuration file
  NO_COLOR        if set and not empty: no colours

files:
  ~/.config/qtasks/config.toml
      [default]
      url = "https://abc123.execute-api.eu-central-1.amazonaws.com/prod"
      region, auth ("auto", "sigv4", "none") and aws_profile may follow.

The address is --url, else that of the profile named by --profile, else
QTASKS_URL, else that of the other profile, else http://127.0.0.1:8000.
Requests to API Gateway's own host names are signed with AWS credentials; that
needs `pip install 'quantum-tasks[aws]'`.
"""

_EXAMPLES: Final = """\
examples:
  qtasks run bell.qasm --shots 1000
  id=$(qtasks submit bell.qasm --tag project=demo) && qtasks wait "$id"
  qtasks list --status failed,cancelled --since 2h --json | jq .task_id
  eval "$(qtasks completion bash)"
"""


def exit_status() -> str:
    """Return the exit codes as a section of a help text."""
    lines = [f"  {code:3}  {meaning}" for code, meaning in exits.TABLE]
    return "exit status:\n" + "\n".join(lines) + "\n"


def build() -> argparse.ArgumentParser:
    """Return the whole command line."""
    common = _common()
    parser = argparse.ArgumentParser(
        prog="qtasks",
        description=_DESCRIPTION,
        epilog=f"{exit_status()}\n{_ENVIRONMENT}\n{_EXAMPLES}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        parents=[common],
    )
    parser.add_argument("--version", action="version", version=f"qtasks {VERSION}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, (text, *arguments) in _COMMANDS.items():
        command = commands.add_parser(
            name,
            help=text,
            description=f"{text[0].upper()}{text[1:]}.",
            epilog=exit_status(),
            formatter_class=argparse.RawDescriptionHelpFormatter,
            parents=[common],
        )
        for add in arguments:
            add(command)
    return parser


def _common() -> argparse.ArgumentParser:
    """Return the options that every command has; they may stand before it or after it."""
    common = argparse.ArgumentParser(add_help=False, argument_default=argparse.SUPPRESS)
    group = common.add_argument_group("service and format")
    group.add_argument("--url", help="the service's address")
    group.add_argument("--profile", help="the profile of the configuration file")
    group.add_argument("--region", help="the AWS region of the signature")
    group.add_argument("--auth", choices=("auto", "sigv4", "none"), help="how requests are signed")
    group.add_argument("--json", action="store_true", help="write JSON: what the service says")
    return common


def _fields(command: argparse.ArgumentParser) -> None:
    for name, hint in _FIELDS.items():
        kind, (text,) = typing.get_args(hint.__origin__)[0], hint.__metadata__
        if name == "inputs":
            command.add_argument("--inputs", metavar="JSON", type=_json, help=text)
        elif typing.get_origin(kind) is Mapping:
            _pairs(command, name, text)
        else:
            names = [*_LETTERS.get(name, []), f"--{name.replace('_', '-')}"]
            command.add_argument(*names, type=kind, help=text)


def _submission(command: argparse.ArgumentParser) -> None:
    _fields(command)
    command.add_argument("--key", help="submit under this key: again is the same task")


def _filters(command: argparse.ArgumentParser) -> None:
    command.add_argument("--status", default="", help="one or several, with commas between them")
    _pairs(command, "tags", "only tasks with this tag; may be repeated, all must hold")
    command.add_argument("--since", metavar="TIME", help="RFC 3339, or as long ago as 30m, 2h, 7d")
    command.add_argument("--until", metavar="TIME", help="the same; not included")
    command.add_argument("--limit", type=int, default=20, help="at most so many (20); 0 is all")


def _pairs(command: argparse.ArgumentParser, name: str, text: str) -> None:
    """Add `--tag` for the field `tags`: one option for each pair."""
    option, shown = f"--{name.removesuffix('s')}", "NAME=VALUE"
    command.add_argument(
        option, dest=name, metavar=shown, action="append", default=[], type=_pair, help=text
    )


def _pair(text: str) -> tuple[str, str]:
    name, separator, value = text.partition("=")
    if not separator or not name:
        raise argparse.ArgumentTypeError(f"must be NAME=VALUE, not {text!r}")
    return name, value


def _json(text: str) -> Any:  # noqa: ANN401 - any JSON; the service judges it
    try:
        return json.loads(Path(text[1:]).read_text() if text.startswith("@") else text)
    except (OSError, ValueError) as exc:
        raise argparse.ArgumentTypeError(f"must be JSON or @FILE: {exc}") from exc


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1
    if not 0 <= seconds <= 1e9:  # noqa: PLR2004 - about 30 years; also refuses what is no number
        raise argparse.ArgumentTypeError(f"must be seconds from 0 to 1,000,000,000, not {text!r}")
    return seconds


def _at_least_one(text: str) -> int:
    if not re.fullmatch("[0-9]{1,9}", text) or int(text) == 0:
        raise argparse.ArgumentTypeError(f"must be an integer of at least 1, not {text!r}")
    return int(text)


def _argument(*names: str, **more: Any) -> Callable[[argparse.ArgumentParser], object]:  # noqa: ANN401
    return lambda command: command.add_argument(*names, **more)


_FILE: Final = _argument("file", metavar="FILE", help="OpenQASM 3; - is standard input")
_TASK_ID: Final = _argument("task_id", metavar="ID", help="a task's id")
_WAIT: Final = (
    _TASK_ID,
    _argument("--timeout", metavar="SECONDS", type=_seconds, help="stop waiting; the task goes on"),
)
_HISTOGRAM: Final = (
    _argument("--register", metavar="NAME", help="only this register's bits"),
    _argument("--top", metavar="N", type=_at_least_one, help="only the N most frequent outcomes"),
)
#: Each command: its text, and what adds its arguments.
_COMMANDS: Final[dict[str, tuple[Any, ...]]] = {
    "run": (
        "submit a circuit, wait for it and show its result",
        *(_FILE, _submission, *_WAIT[1:], *_HISTOGRAM),
    ),
    "submit": ("submit a circuit and print its task's id", _FILE, _submission),
    "validate": ("look for mistakes in a circuit", _FILE, _fields),
    "wait": ("wait for a task's end and print how it ended", *_WAIT),
    "watch": ("print each change of a task until its end", *_WAIT),
    "result": ("wait for a task's end and show its result", *_WAIT, *_HISTOGRAM),
    "get": ("show a task", _TASK_ID),
    "cancel": ("cancel a task that has not ended", _TASK_ID),
    "list": ("list tasks, the newest first", _filters),
    "health": ("say whether the service can be used",),
    "completion": ("print a shell's completion script", _argument("shell", choices=SHELLS)),
    "ui": (
        "open the page of all tasks in a browser",
        _argument("--no-browser", action="store_true", help=_NO_BROWSER),
    ),
}


def options(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return what the common options say about the service, as `Client` takes it."""
    given = vars(arguments)
    names = {"base_url": "url", "profile": "profile", "region": "region", "auth": "auth"}
    return {own: given[name] for own, name in names.items() if name in given}


def submission(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return what the options say about a submission, as `Client.submit` takes it."""
    given = {name: value for name in _FIELDS if (value := getattr(arguments, name)) is not None}
    return given | {"tags": tags(arguments)}


def tags(arguments: argparse.Namespace) -> dict[str, str]:
    """Return the tags that were given.

    Raises:
        UsageError: a name was given twice; which value was meant cannot be known.
    """
    names = [name for name, _ in arguments.tags]
    for name in names:
        if names.count(name) > 1:
            raise exits.UsageError(f"--tag {name}=… is given more than once")
    return dict(arguments.tags)
