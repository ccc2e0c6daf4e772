"""What must not be deployed over: asked before anything is changed."""

from __future__ import annotations

from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from infra.aws import Aws
from infra.doctor.live_stage import Snapshot, chalice_record, read_snapshot
from infra.errors import UserError
from infra.stage import StageSpec


class DeploymentRefused(UserError):
    """Nothing was changed, since it would have been wrong."""


def region_of(aws: Aws) -> str:
    """Return the account's region.

    Raises:
        DeploymentRefused: none is configured, and Chalice and the stacks would each take another.
    """
    if aws.region is None:
        message = "no region is set: name one in AWS_DEFAULT_REGION or in a profile"
        raise DeploymentRefused(message)
    return aws.region


def refuse_what_is_wrong(aws: Aws, root: Path, spec: StageSpec) -> Snapshot:
    """Inspect the account; return what is there.

    Raises:
        DeploymentRefused: Chalice must not deploy this stage from here.
    """
    region_of(aws)
    try:
        snapshot = read_snapshot(aws, spec, root)
    except (BotoCoreError, ClientError) as exc:
        message = f"the account cannot be read: {exc}"
        raise DeploymentRefused(message) from exc
    if spec.app_stack in snapshot.stacks:
        message = (
            f"stage {spec.stage} is deployed by a pipeline, as stack"
            f" {spec.app_stack}: deploy it there, or delete that stack first"
        )
        raise DeploymentRefused(message)
    live = [name for name, function in snapshot.functions.items() if function is not None]
    live += ["API"] if snapshot.apis else []
    if live and not snapshot.chalice_record:
        record = chalice_record(root, spec).relative_to(root)
        message = (
            f"stage {spec.stage} is live ({', '.join(live)}), but {record} is missing:"
            " Chalice would make a second API and fail on the rest. Fetch that file from"
            " where the stage was deployed; or `make destroy` (the data stays), then deploy"
        )
        raise DeploymentRefused(message)
    return snapshot
