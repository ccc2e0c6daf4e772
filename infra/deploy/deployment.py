"""`make deploy`: the stacks, Chalice, what Chalice leaves out, and a check of the result.

Idempotent: run again, it changes what has changed. A step that fails says what to do.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.entrypoints.worker import WORKERS_MAX
from infra.aws import Aws
from infra.deploy.post_deploy import PostDeploy, PostDeployFailed
from infra.deploy.refusals import refuse_what_is_wrong, region_of
from infra.deploy.smoke import client_of, smoke
from infra.deploy.stage_stacks import StageStacks
from infra.doctor.checks import examine, report
from infra.doctor.live_stage import Snapshot, chalice_record, read_snapshot
from infra.doctor.rules.throughput import the_account_runs_all_functions
from infra.errors import UserError
from infra.package.access_log import ACCESS_LOG
from infra.package.aws_location import location_of_arn
from infra.package.template import LOCATIONS
from infra.package.workspace import Workspace
from infra.stage import StageSpec


class DeploymentFailed(UserError):
    """A step failed: which one, why, and what to do now."""


@dataclasses.dataclass(frozen=True, slots=True)
class Step:
    """One step of a deployment."""

    name: str
    run: Callable[[], None]
    #: What to do when it has failed.
    remedy: str


class Deployment:
    """One deployment of one stage."""

    def __init__(
        self,
        aws: Aws,
        root: Path,
        spec: StageSpec,
        *,
        for_this_machine: bool = False,
        poll_seconds: float = 2.0,
        say: Callable[[str], None] = print,
    ) -> None:
        """Take the account, the checkout and the stage.

        `for_this_machine` is for emulators: the functions are built for where this runs.

        Raises:
            DeploymentRefused: no region is configured.
        """
        self._aws = aws
        self._root = root
        self._spec = spec
        self._say = say
        self._region = region_of(aws)
        self._stacks = StageStacks(aws, root, spec, poll_seconds=poll_seconds, say=say)
        self._post_deploy = PostDeploy(aws, spec, poll_seconds=poll_seconds)
        self._outputs: dict[str, str] = {}
        self._api_id = ""
        directory = root / "build" / "deploy" / spec.stage
        self._workspace = Workspace(root, directory, spec, for_this_machine=for_this_machine)

    def steps(self) -> Iterable[Step]:
        """Return what is to be done, in this order."""
        again = "the stage works as it is; run `make deploy` again"
        return (
            Step("data stack", self._deploy_data, "nothing else was changed; correct that"),
            Step("messaging stack", self._deploy_messaging, "correct that and run it again"),
            Step("package", self._build, "nothing of the functions was changed"),
            Step(
                "chalice deploy",
                self._run_chalice,
                "run it again; if it says that the stage is live without a record, `make destroy`"
                " removes all but the data, and a new deployment brings every open task back",
            ),
            Step("the mapping's flag", self._post_deploy.report_failures, again),
            Step(
                "the setting that relies on it", self._post_deploy.rely_on_reported_failures, again
            ),
            Step("throttling and gateway responses", self._finish_api, again),
            Step("doctor", self._examine, "change what it names in .chalice/config.json, deploy"),
            Step("smoke test", self._smoke, "the stage is live: check it now, or roll back"),
        )

    def run(self) -> None:
        """Deploy.

        Raises:
            DeploymentRefused: before anything was changed.
            DeploymentFailed: a step failed.
        """
        snapshot = refuse_what_is_wrong(self._aws, self._root, self._spec)
        self._warn(snapshot)
        for step in self.steps():
            self._say(f"{self._spec.stage}: {step.name}")
            try:
                step.run()
            except (UserError, BotoCoreError, ClientError) as exc:
                message = f"{step.name} failed: {exc}\nwhat to do: {step.remedy}"
                raise DeploymentFailed(message) from exc

    def _warn(self, snapshot: Snapshot) -> None:
        """Say what doctor will find at the end, while there is time to ask AWS for more."""
        coming = {"ScalingConfig": {"MaximumConcurrency": WORKERS_MAX}}
        for finding in the_account_runs_all_functions(
            self._spec, dataclasses.replace(snapshot, mappings=[coming])
        ):
            self._say(f"warning: {finding}")

    def _deploy_data(self) -> None:
        self._outputs |= self._stacks.deploy_data()

    def _deploy_messaging(self) -> None:
        self._stacks.deploy_account()
        self._outputs |= self._stacks.deploy_messaging()

    def _build(self) -> None:
        built = self._workspace.fill(
            location_of_arn(self._outputs["TableArn"]),
            {variable: self._outputs[output] for variable, output in LOCATIONS.items()},
        )
        record = chalice_record(self._root, self._spec)
        record.parent.mkdir(parents=True, exist_ok=True)
        (self._workspace.directory / ".chalice" / "deployed").symlink_to(record.parent.resolve())
        self._say(f"  {built.zip_bytes:,} bytes, {built.modules} modules, all compiled")

    def _run_chalice(self) -> None:
        # What is written down is without the setting: a mapping that Chalice creates again has no
        # flag, and the functions come first.
        self._workspace.chalice(
            *("deploy", "--stage", self._spec.stage, "--connection-timeout", "120"),
            region=self._region,
        )

    def _finish_api(self) -> None:
        self._api_id = self._post_deploy.finish_api(self._outputs[ACCESS_LOG])

    def _examine(self) -> None:
        snapshot = read_snapshot(self._aws, self._spec, self._root)
        findings = examine(self._spec, snapshot)
        told = report(self._spec, snapshot, findings)
        if findings:
            raise PostDeployFailed(told)
        self._say(told)

    def _smoke(self) -> None:
        signed = client_of(self._aws, self._spec, self._api_id, signed=True)
        unsigned = client_of(self._aws, self._spec, self._api_id, signed=False)
        smoke(signed, unsigned, self._say)
