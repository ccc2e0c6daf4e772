"""`python -m infra.deploy COMMAND --stage STAGE`."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

from botocore.exceptions import BotoCoreError, ClientError

from infra.aws import Aws
from infra.deploy.deployment import Deployment
from infra.deploy.refusals import refuse_what_is_wrong
from infra.deploy.smoke import SmokeTestFailed, client_of, smoke
from infra.deploy.stage_stacks import StageStacks
from infra.deploy.teardown import Teardown
from infra.doctor.checks import examine, report
from infra.doctor.live_stage import read_snapshot
from infra.errors import UserError
from infra.package.packaging import make_package
from infra.stage import StageSpec, read_configuration, stage_spec

ROOT: Final = Path(__file__).resolve().parents[2]
#: What a person can do something about: told in one message, without a stack trace.
USER_ERRORS: Final = (UserError, BotoCoreError, ClientError)


def package(spec: StageSpec, arguments: argparse.Namespace) -> int:
    """Build the stage's template and zip."""
    target = ROOT / "build" / "package" / spec.stage
    made = make_package(ROOT, spec, target, for_this_machine=arguments.here)
    found = made.inspection
    print(f"{made.template.relative_to(ROOT)}: one stack, to be deployed as {spec.app_stack}")
    print(
        f"{made.archive.relative_to(ROOT)}: {found.zip_bytes:,} bytes, {found.modules} modules,"
        f" all compiled for {spec.runtime} on {', '.join(found.architectures)}"
    )
    return 0


def deploy(spec: StageSpec, arguments: argparse.Namespace) -> int:
    """Deploy the stage."""
    Deployment(Aws(), ROOT, spec, for_this_machine=arguments.here).run()
    return 0


def stacks(spec: StageSpec, arguments: argparse.Namespace) -> int:
    """Make the stacks that the stage stands on, and say what comes next."""
    del arguments
    aws = Aws()
    refuse_what_is_wrong(aws, ROOT, spec)
    made = StageStacks(aws, ROOT, spec)
    made.deploy_data()
    made.deploy_account()
    made.deploy_messaging()
    print(f"stacks {spec.data_stack} and {spec.messaging_stack} are there")
    print(f"next: `make deploy STAGE={spec.stage}`, or `chalice deploy --stage {spec.stage}`")
    return 0


def doctor(spec: StageSpec, arguments: argparse.Namespace) -> int:
    """Judge the live stage."""
    del arguments
    snapshot = read_snapshot(Aws(), spec, ROOT)
    findings = examine(spec, snapshot)
    print(report(spec, snapshot, findings))
    return 1 if findings else 0


def run_smoke(spec: StageSpec, arguments: argparse.Namespace) -> int:
    """Send one task through the live stage."""
    del arguments
    aws = Aws()
    apis = aws.apis(spec.name)
    if not apis:
        message = f"there is no API with the name {spec.name}"
        raise SmokeTestFailed(message)
    api_id = apis[0]["id"]
    smoke(
        client_of(aws, spec, api_id, signed=True), client_of(aws, spec, api_id, signed=False), print
    )
    return 0


def destroy(spec: StageSpec, arguments: argparse.Namespace) -> int:
    """Remove the stage's service."""
    del arguments
    if os.environ.get("YES") != "1":
        asked = f"Remove the service of stage {spec.stage} (its table stays)? Type its name: "
        if input(asked).strip() != spec.stage:
            print("nothing was removed", file=sys.stderr)
            return 1
    Teardown(Aws(), ROOT, spec).run()
    return 0


COMMANDS: Final[dict[str, Callable[[StageSpec, argparse.Namespace], int]]] = {
    "package": package,
    "stacks": stacks,
    "deploy": deploy,
    "doctor": doctor,
    "smoke": run_smoke,
    "destroy": destroy,
}


def main() -> int:
    """Run one command. What prevents it is one message on stderr."""
    parser = argparse.ArgumentParser(prog="python -m infra.deploy")
    parser.add_argument("command", choices=COMMANDS)
    parser.add_argument("--stage", required=True, help="a stage of .chalice/config.json")
    parser.add_argument(
        "--here", action="store_true", help="build for this machine: an emulator runs it"
    )
    arguments = parser.parse_args()
    try:
        spec = stage_spec(read_configuration(ROOT), arguments.stage)
        return COMMANDS[arguments.command](spec, arguments)
    except USER_ERRORS as exc:
        print(exc, file=sys.stderr)
        return 1
    except (EOFError, KeyboardInterrupt):
        print("stopped", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
