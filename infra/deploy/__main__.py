"""`python -m infra.deploy COMMAND --stage STAGE`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from infra.deploy.archive import ArchiveError
from infra.deploy.configuration import ConfigurationError, read_configuration, stage_spec
from infra.deploy.dependencies import DependenciesError
from infra.deploy.packaging import make_package
from infra.deploy.project import ProjectError

ROOT = Path(__file__).resolve().parents[2]


def package(arguments: argparse.Namespace) -> int:
    """Build the stage's template and zip."""
    spec = stage_spec(read_configuration(ROOT), arguments.stage)
    target = ROOT / "build" / "package" / spec.stage
    made = make_package(ROOT, spec, target)
    found = made.inspection
    print(f"{made.template.relative_to(ROOT)}: one stack, to be deployed as {spec.app_stack}")
    print(
        f"{made.archive.relative_to(ROOT)}: {found.zip_bytes:,} bytes,"
        f" {found.modules} modules, all compiled for {spec.runtime} on {spec.architecture}"
    )
    return 0


def main() -> int:
    """Run one command. What prevents it is one message on stderr."""
    parser = argparse.ArgumentParser(prog="python -m infra.deploy")
    parser.add_argument("command", choices=["package"])
    parser.add_argument("--stage", required=True)
    arguments = parser.parse_args()
    try:
        return package(arguments)
    except (ArchiveError, ConfigurationError, DependenciesError, ProjectError) as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
