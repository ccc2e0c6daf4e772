"""The command line, as argparse has it. Nothing of the client is imported here: help is quick."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any, Final

from quantum_tasks import ui
from quantum_tasks.cli import exits
from quantum_tasks.version import VERSION

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001 - its only name

SHELLS: Final = ("bash", "zsh", "fish")

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

The address is --url, else QTASKS_URL, else the profile's, else
http://127.0.0.1:8000. Requests to API Gateway's own host names are signed with
AWS credentials; that needs `pip install 'quantum-tasks[aws]'`.
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
    _add_submissions(commands, common)
    _add_waits(commands, common)
    _add_readers(commands, common)
    _add_ui(commands, common)
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


def _add(
    commands: Commands, common: argparse.ArgumentParser, name: str, text: str
) -> argparse.ArgumentParser:
    return commands.add_parser(
        name,
        help=text,
        description=f"{text[0].upper()}{text[1:]}.",
        epilog=exit_status(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        parents=[common],
    )


def _add_submissions(commands: Commands, common: argparse.ArgumentParser) -> None:
    run = _add(commands, common, "run", "submit a circuit, wait for it and show its result")
    submit = _add(commands, common, "submit", "submit a circuit and print its task's id")
    for command in (run, submit):
        command.add_argument("file", metavar="FILE", help="OpenQASM 3; - is standard input")
        command.add_argument("-n", "--shots", type=int, default=1024, help="1 to 100000 (1024)")
        command.add_argument("--seed", type=int, help="makes the counts repeatable")
        _tags(command, "a tag of the task; may be repeated")
        command.add_argument("--key", help="submit under this key: again is the same task")
    _timeout(run)
    _histogram(run)
    validate = _add(commands, common, "validate", "look for mistakes in a circuit")
    validate.add_argument("file", metavar="FILE", help="OpenQASM 3; - is standard input")


def _add_waits(commands: Commands, common: argparse.ArgumentParser) -> None:
    wait = _add(commands, common, "wait", "wait for a task's end and print how it ended")
    watch = _add(commands, common, "watch", "print each change of a task until its end")
    result = _add(commands, common, "result", "wait for a task's end and show its result")
    for command in (wait, watch, result):
        _task_id(command)
        _timeout(command)
    _histogram(result)


def _add_readers(commands: Commands, common: argparse.ArgumentParser) -> None:
    _task_id(_add(commands, common, "get", "show a task"))
    _task_id(_add(commands, common, "cancel", "cancel a task that has not ended"))
    tasks = _add(commands, common, "list", "list tasks, the newest first")
    tasks.add_argument("--status", default="", help="one or several, with commas between them")
    _tags(tasks, "only tasks with this tag; may be repeated, all must hold")
    tasks.add_argument("--since", metavar="TIME", help="RFC 3339, or as long ago as 30m, 2h, 7d")
    tasks.add_argument("--until", metavar="TIME", help="the same; not included")
    tasks.add_argument("--limit", type=int, default=20, help="at most so many (20); 0 is all")
    _add(commands, common, "health", "say whether the service can be used")
    completion = _add(commands, common, "completion", "print a shell's completion script")
    completion.add_argument("shell", choices=SHELLS)


def _add_ui(commands: Commands, common: argparse.ArgumentParser) -> None:
    ui.register(_add(commands, common, "ui", "open the page of all tasks in a browser"))


def _task_id(command: argparse.ArgumentParser) -> None:
    command.add_argument("task_id", metavar="ID", help="a task's id")


def _tags(command: argparse.ArgumentParser, text: str) -> None:
    command.add_argument(
        "--tag", metavar="NAME=VALUE", action="append", default=[], type=_tag, help=text
    )


def _tag(text: str) -> tuple[str, str]:
    name, separator, value = text.partition("=")
    if not separator or not name:
        message = f"must be NAME=VALUE, not {text!r}"
        raise argparse.ArgumentTypeError(message)
    return name, value


def _timeout(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--timeout", metavar="SECONDS", type=_seconds, help="stop waiting; the task goes on"
    )


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 <= seconds <= 1e9:  # noqa: PLR2004 - about 30 years; also refuses what is no number
        raise ValueError
    return seconds


def _histogram(command: argparse.ArgumentParser) -> None:
    command.add_argument("--register", metavar="NAME", help="only this register's bits")
    command.add_argument("--top", metavar="N", type=int, help="only the N most frequent outcomes")


def options(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return what the common options say about the service, as `Client` takes it."""
    return {
        "base_url": getattr(arguments, "url", None),
        "profile": getattr(arguments, "profile", None),
        "region": getattr(arguments, "region", None),
        "auth": getattr(arguments, "auth", "auto"),
    }
