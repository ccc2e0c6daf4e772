"""Deploy a stage to the tests' account, and read what the account then has of it."""

from __future__ import annotations

import dataclasses
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from infra.aws import Aws
from infra.deploy.deployment import Deployment
from infra.package.aws_location import ANY_LOCATION
from infra.package.template import REPORT_FAILURES
from infra.package.vendor import fill_vendor
from infra.package.workspace import Workspace
from infra.stage import StageSpec
from tests.deploy.account import Account
from tests.deploy.deployed_stage import DeployedStage

CHALICE: Final = Path(sys.executable).with_name("chalice")
#: What a person's shell has; nothing of AWS.
SHELL: Final = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}


def chalice(
    directory: Path, *arguments: str, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Type a command of Chalice's in a checkout."""
    return subprocess.run(
        [CHALICE, *arguments],
        cwd=directory,
        env={
            **SHELL,
            "HOME": str(directory),
            "PYTHONDONTWRITEBYTECODE": "1",  # Chalice names its cached package by all files
            **(environment or {}),
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def put_package_into_chalices_cache(checkout: Path, spec: StageSpec, scratch: Path) -> None:
    """Spare a test the network: Chalice takes a package that it finds, and fetches none."""
    fill_vendor(checkout, spec, for_this_machine=True)
    built = Workspace(checkout, scratch / "workspace", spec, for_this_machine=True)
    built.fill(ANY_LOCATION, {})
    for path in checkout.rglob("__pycache__"):  # Chalice's name for a package hashes these too
        shutil.rmtree(path)
    cached = Workspace(checkout, checkout, spec, for_this_machine=True).package
    cached.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(built.package, cached)


@dataclasses.dataclass(slots=True)
class Run:
    """What a deployment said, and what the stage was like whenever it said something."""

    said: list[str] = dataclasses.field(default_factory=list)
    #: Whether the worker relies on reported failures, and whether the mapping reports them.
    settings: list[tuple[bool, bool | None]] = dataclasses.field(default_factory=list)


def deploy(owner: Aws, checkout: Path, spec: StageSpec) -> Run:
    """Deploy, and read the stage at every step."""
    run = Run()

    def say(line: str) -> None:
        run.said.append(line)
        run.settings.append(setting_and_flag(owner, spec))

    Deployment(owner, checkout, spec, for_this_machine=True, poll_seconds=0.1, say=say).run()
    return run


def setting_and_flag(owner: Aws, spec: StageSpec) -> tuple[bool, bool | None]:
    """Return whether the setting is on, and the flag; None where there is no mapping."""
    client, name = owner.client("lambda"), spec.functions["worker"].function_name
    mappings = client.list_event_source_mappings(FunctionName=name)["EventSourceMappings"]
    try:
        variables = client.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
    except client.exceptions.ResourceNotFoundException:
        variables = {}
    setting = variables.get("PARTIAL_BATCH_RESPONSES") == "true"
    if not mappings:
        return setting, None
    return setting, REPORT_FAILURES in mappings[0].get("FunctionResponseTypes", [])


def live(aws: Account, owner: Aws, spec: StageSpec) -> DeployedStage:
    """Return a stage as it is live now."""
    apis = owner.client("apigateway").get_rest_apis()["items"]
    (api_id,) = [api["id"] for api in apis if api["name"] == spec.name]
    outputs: dict[str, str] = {}
    for name in (spec.data_stack, spec.messaging_stack):
        stack = owner.client("cloudformation").describe_stacks(StackName=name)["Stacks"][0]
        outputs |= {o["OutputKey"]: o["OutputValue"] for o in stack["Outputs"]}
    return DeployedStage(account=aws, spec=spec, api_id=api_id, outputs=outputs)


def replace_mapping(owner: Aws, spec: StageSpec) -> None:
    """Delete the worker's mapping and make another one, without waiting for either."""
    client = owner.client("lambda")
    name = spec.functions["worker"].function_name
    (old,) = client.list_event_source_mappings(FunctionName=name)["EventSourceMappings"]
    client.delete_event_source_mapping(UUID=old["UUID"])
    client.create_event_source_mapping(
        EventSourceArn=old["EventSourceArn"],
        FunctionName=name,
        BatchSize=old["BatchSize"],
        ScalingConfig=old["ScalingConfig"],
    )


def remains(owner: Aws, spec: StageSpec) -> list[str]:
    """List what an account has of a stage."""
    listings: dict[str, Callable[[], list[str]]] = {
        "function": lambda: _names(
            owner.pages("lambda", "list_functions", "Functions"), "FunctionName"
        ),
        "role": lambda: _names(owner.pages("iam", "list_roles", "Roles"), "RoleName"),
        "rule": lambda: _names(owner.client("events").list_rules()["Rules"], "Name"),
        "API": lambda: _names(owner.client("apigateway").get_rest_apis()["items"], "name"),
        "queue": lambda: [
            url.rpartition("/")[2] for url in owner.client("sqs").list_queues().get("QueueUrls", [])
        ],
        "alarm": lambda: _names(
            owner.pages("cloudwatch", "describe_alarms", "MetricAlarms"), "AlarmName"
        ),
        "group": lambda: [
            name.removeprefix("/aws/lambda/")
            for name in _names(
                owner.pages("logs", "describe_log_groups", "logGroups"), "logGroupName"
            )
        ],
        "table": lambda: owner.client("dynamodb").list_tables()["TableNames"],
    }
    return [
        f"{kind} {name}"
        for kind, list_names in listings.items()
        for name in list_names()
        if name.startswith(spec.name)
    ]


def _names(items: list[dict[str, Any]], key: str) -> list[str]:
    return [item[key] for item in items]
