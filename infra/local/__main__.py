"""The commands behind `make run`, `make api`, `make worker`, `make stop` and `make reset`."""

from __future__ import annotations

import os
import shutil
import sys
from urllib.parse import urlsplit

from chalicelib.settings import InvalidSetting
from infra.errors import UserError
from infra.local.settings import Settings
from infra.local.supervisor.environment import process_environment, replace_environment
from infra.local.supervisor.pid_files import held_lock, living_processes
from infra.local.supervisor.terminal import Terminal

COMMANDS = ("run", "api", "worker", "stop", "reset")
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


class CommandRefused(UserError):
    """The command would do harm."""


def main(arguments: list[str]) -> int:
    """Run one command. What goes wrong for a known reason is one line, not a traceback."""
    if len(arguments) != 1 or arguments[0] not in COMMANDS:
        print(f"usage: python -m infra.local {{{'|'.join(COMMANDS)}}}", file=sys.stderr)
        return 2
    user = dict(os.environ)
    replace_environment(process_environment({}, user))
    # Not before the environment is safe, and not for commands that need no SDK.
    from infra.local.supervisor.stop import stop_everything  # noqa: PLC0415
    from infra.local.supervisor.supervisor import Supervisor  # noqa: PLC0415

    terminal = Terminal()
    try:
        settings = Settings.from_environment(user)
        match arguments[0]:
            case "run":
                return Supervisor(settings, terminal, user).run()
            case "stop":
                return stop_everything(settings, terminal)
            case "reset":
                return reset(settings, terminal, yes=user.get("YES") == "1")
            case kind:
                from infra.local.supervisor.attach import attach  # noqa: PLC0415

                return attach(kind, settings, terminal, user)
    except (UserError, InvalidSetting) as exc:
        print(f"error: {exc}", file=sys.stderr)
        return 1


def reset(settings: Settings, terminal: Terminal, *, yes: bool) -> int:
    """Empty the data: the emulator's saved state, or this stage's stacks at a given endpoint."""
    endpoint = settings.endpoint_url
    if endpoint is not None and urlsplit(endpoint).hostname not in LOOPBACK:
        raise CommandRefused(f"{endpoint} is not on this machine; its data stays")
    with held_lock(settings.run_dir / "supervisor.lock") as is_ours:
        if not is_ours or living_processes(settings.data_dir):
            raise CommandRefused("it runs; stop it first: make stop")
        state = settings.data_dir / "emulator"
        what = f"the local table and queues at {endpoint}" if endpoint else f"all data in {state}"
        if not yes and not confirmed(f"This deletes {what}. Continue? [y/N] "):
            terminal.say("nothing deleted")
            return 1
        if endpoint is not None:
            from infra.local.supervisor.stack import remove_all  # noqa: PLC0415

            remove_all(endpoint)
        else:
            shutil.rmtree(state, ignore_errors=True)
        terminal.say(f"deleted {what}")
        return 0


def confirmed(question: str) -> bool:
    """Ask a person; silence and the end of input are a no."""
    try:
        return input(question).strip().lower() in {"y", "yes"}
    except EOFError:
        return False


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
