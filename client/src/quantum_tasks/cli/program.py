"""Runs one command, and turns whatever goes wrong into one line and an exit code."""

from __future__ import annotations

import io
import os
import signal
import sys
from argparse import Namespace
from collections.abc import Sequence

from quantum_tasks.cli import exits, parser
from quantum_tasks.cli.exits import Context, UsageError
from quantum_tasks.errors import ProblemError, QuantumTasksError


def entry() -> int:
    """Run `qtasks` as a program of its own, and return its exit code.

    Ctrl-C ends it by the signal itself: a shell's loop ends then, too, which an exit code would not
    make it do.
    """
    code = main()
    if code == exits.INTERRUPTED:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGINT)
    return code


def main(argv: Sequence[str] | None = None) -> int:
    """Run `qtasks` and return its exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a locale without the bars' characters
    context = Context()
    try:
        arguments = parser.build().parse_args(argv)
        code = _run(arguments, context)
        sys.stdout.flush()
    except KeyboardInterrupt:
        # What was half made cannot always be taken apart, of which Python would show a trace.
        sys.unraisablehook = lambda _: None
        _say(context.interrupted())
        return exits.INTERRUPTED
    except BrokenPipeError:
        # The reader has gone, which is its right. Python would complain of it once more at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return exits.BROKEN_PIPE
    except OSError as exc:  # such as a full disk
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        _say(f"error: the output cannot be written: {exc.strerror or exc}")
        return exits.FAILED
    return code


def _run(arguments: Namespace, context: Context) -> int:
    try:
        return _command(arguments, context)
    except UsageError as exc:
        _say(f"error: {exc}")
        return exits.USAGE
    except QuantumTasksError as exc:
        for line in _lines(exc):
            _say(line)
        return exits.code_for(exc)


def _command(arguments: Namespace, context: Context) -> int:
    """Run the command; each module is imported only for its own."""
    if arguments.command == "completion":
        from quantum_tasks.cli import completion  # noqa: PLC0415

        print(completion.script(arguments.shell, parser.build()))
        return exits.DONE
    if arguments.command == "ui":
        from quantum_tasks import ui  # noqa: PLC0415

        ui.run(parser.options(arguments), no_browser=arguments.no_browser)
        return exits.DONE
    from quantum_tasks.cli import commands  # noqa: PLC0415

    return commands.run(arguments, context)


def _lines(error: QuantumTasksError) -> list[str]:
    fields = error.errors if isinstance(error, ProblemError) else ()
    said = str(error)
    return [
        f"error: {said}",
        *(f"  {field.field}: {field.message}" for field in fields if field.message not in said),
    ]


def _say(text: str) -> None:
    print(f"qtasks: {text}", file=sys.stderr)
