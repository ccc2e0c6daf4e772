"""What Chalice's own commands find when they import `app.py`: all made ready, or one sentence.

`chalice local` is given the backend of a running `make run`, and never anything else. `chalice
deploy` is let through where it gives a working and safe stage: the stacks are there, no other
program deploys this stage, and the Python is the stage's. Of `make deploy` it leaves out the
mapping's flag with the setting that relies on it, the API's throttling and its problem documents;
without them the stage is slower to retry and open to floods, and loses nothing. `chalice package`
leaves out the functions' names, by which logs and alarms find them, so it is refused.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from chalicelib.settings import InvalidSetting
from infra.aws import Aws
from infra.deploy.refusals import refuse_what_is_wrong
from infra.errors import UserError
from infra.local.settings import STAGE, Settings
from infra.local.supervisor.environment import (
    NotRunning,
    load_backend,
    process_environment,
    replace_environment,
)
from infra.local.supervisor.pid_files import held_lock
from infra.package.vendor import fill_vendor
from infra.stage import check_runtime, read_configuration, stage_spec, stage_variables

#: What Chalice sets for itself while it runs.
CHALICE_CLI: Final = "AWS_CHALICE_CLI_MODE"
_CHALICES_OWN_STAGE: Final = "dev"
#: Options of `chalice` itself that take a value and stand before the command.
_VALUED: Final = frozenset({"--project-dir"})


class CommandStopped(UserError):
    """Chalice's command would do something else than is meant; the message says what does."""


def prepare(root: Path, arguments: Sequence[str] | None = None) -> None:
    """Make ready what the command needs, or end the process with one sentence."""
    try:
        _prepare(root, sys.argv[1:] if arguments is None else arguments)
    except (UserError, InvalidSetting) as exc:
        print(f"error: {exc}", file=sys.stderr, flush=True)
        if threading.current_thread() is not threading.main_thread():
            # `chalice local` imports in a thread, and would wait indefinitely without a server.
            os._exit(1)
        raise SystemExit(1) from None


def _prepare(root: Path, arguments: Sequence[str]) -> None:
    command, given = command_of(arguments)
    if command == "local":
        _use_running_backend(root, given)
    elif command == "package":
        stage = given or _CHALICES_OWN_STAGE
        raise CommandStopped(
            "`chalice package` leaves out what logs, alarms and retries of this service rest on:"
            f" use `make package STAGE={stage}`"
        )
    elif command == "deploy":
        _check_deployable(root, given or _CHALICES_OWN_STAGE)


def command_of(arguments: Sequence[str]) -> tuple[str | None, str | None]:
    """Return Chalice's command, and the stage that it is told; None where it is told none."""
    command: str | None = None
    stage: str | None = None
    rest = iter(arguments)
    for argument in rest:
        name, equals, value = argument.partition("=")
        if name == "--stage":
            stage = value if equals else next(rest, None)
        elif name in _VALUED and not equals:
            next(rest, None)
        elif command is None and not argument.startswith("-"):
            command = argument
    return command, stage


def _use_running_backend(root: Path, given: str | None) -> None:
    if given not in {None, STAGE}:
        raise CommandStopped(
            f"`chalice local` serves the stage {STAGE!r} only, with `make run` running:"
            " leave `--stage` out"
        )
    # Chalice has set the variables of its own default stage, which was not asked for.
    foreign = stage_variables(read_configuration(root), given or _CHALICES_OWN_STAGE)
    user = {name: text for name, text in os.environ.items() if foreign.get(name) != text}
    settings = Settings.from_environment(user)
    backend = load_backend(settings)
    with held_lock(settings.run_dir / "supervisor.lock") as is_unattended:
        if is_unattended:
            raise NotRunning(f"nothing runs with DATA_DIR={settings.data_dir}: make run")
    replace_environment(process_environment(backend, user), keep=CHALICE_CLI)


def _check_deployable(root: Path, stage: str) -> None:
    spec = stage_spec(read_configuration(root), stage)
    check_runtime(spec)
    snapshot = refuse_what_is_wrong(Aws(), root, spec)
    make_stacks = f"`make stacks STAGE={stage}` makes them"
    if not {spec.data_stack, spec.messaging_stack} <= set(snapshot.stacks):
        raise CommandStopped(
            f"stage {stage!r} has no table and queue yet: {make_stacks}, then `chalice deploy`"
            " works"
        )
    if snapshot.table is None or snapshot.queue is None:
        raise CommandStopped(f"table or queue of stage {stage!r} are missing: {make_stacks}")
    if int(snapshot.queue["VisibilityTimeout"]) < spec.visibility_timeout_seconds:
        raise CommandStopped(
            f"the stacks of stage {stage!r} are older than .chalice/config.json: run {make_stacks}"
        )
    fill_vendor(root, spec)
    print(
        "`chalice deploy` leaves throttling, access log, problem documents and partial batch"
        f" responses to `make deploy STAGE={stage}`",
        file=sys.stderr,
    )
