"""`make package`: the service as one SAM template and one zip, for a pipeline to deploy."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path
from typing import Final

from infra.package.archive import Inspection
from infra.package.aws_location import ANY_LOCATION
from infra.package.template import merge_template
from infra.package.workspace import Workspace
from infra.stage import StageSpec

#: Any: Chalice asks for one, and the template names none.
_REGION: Final = "us-east-1"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """What a pipeline deploys."""

    template: Path
    archive: Path
    inspection: Inspection


def make_package(
    root: Path, spec: StageSpec, target: Path, *, for_this_machine: bool = False
) -> Package:
    """Write `sam.json` and `deployment.zip` to a directory. Needs no AWS account."""
    workspace = Workspace(root, target / "workspace", spec, for_this_machine=for_this_machine)
    inspection = workspace.fill(ANY_LOCATION, {})
    merge = workspace.directory / "merge.json"
    merge.write_text(json.dumps(merge_template(spec), indent=2))
    written = workspace.directory / "out"
    workspace.chalice(
        *("package", "--stage", spec.stage, "--merge-template", str(merge), str(written)),
        region=_REGION,
    )
    package = Package(
        template=target / "sam.json", archive=target / "deployment.zip", inspection=inspection
    )
    shutil.move(written / package.archive.name, package.archive)
    # Without indentation: two fifths of Chalice's template are blanks, and CloudFormation takes
    # 51,200 bytes ("CloudFormation quotas"), which a stage with CORS would exceed.
    template = json.loads((written / package.template.name).read_text())
    package.template.write_text(json.dumps(template, indent=0) + "\n")
    shutil.rmtree(workspace.directory)
    return package
