"""Backends that these tests do not start by default: a running endpoint, AWS DynamoDB Local.

`python -m tests.support.external_backends endpoint` runs contract and acceptance suites against
AWS_ENDPOINT_URL, `… dynamodb-local` the store's contract against the copy in DYNAMODB_LOCAL_DIR.
Both say what is missing; neither is a part of `make test`.
"""

from __future__ import annotations

import contextlib
import ipaddress
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import boto3
import yaml
from botocore.exceptions import BotoCoreError, ClientError

from infra.local.settings import ROOT
from infra.local.supervisor.stack import CREDENTIALS, STACKS, deploy_all, remove_all
from infra.local.supervisor.supervisor import free_port
from infra.waiting import wait_for
from tools.backends import ENDPOINT_VARIABLE

DYNAMODB_LOCAL_VARIABLE: Final = "TEST_DYNAMODB_LOCAL_DIR"
DYNAMODB_LOCAL_DIR: Final = os.environ.get(DYNAMODB_LOCAL_VARIABLE)

#: Suites that need nothing of an emulator but what AWS itself offers. The others stop it.
ENDPOINT_SUITES: Final = (
    "tests/contract",
    "tests/acceptance/test_submit_and_restart.py",
    "tests/acceptance/test_deliveries.py",
    "tests/acceptance/test_recovery.py",
)
DYNAMODB_LOCAL_SUITES: Final = (
    "tests/contract/test_payloads.py",
    "tests/contract/test_store_contract.py",
)
_JAVA_VERSION_MIN: Final = 17
_PROGRAM: Final = Path(__file__).with_name("java") / "LoopbackDynamoDbLocal.java"


class BackendMissing(Exception):
    """Something that these suites need is not there."""


@contextlib.contextmanager
def endpoint_outputs(endpoint_url: str) -> Iterator[dict[str, str]]:
    """Make table and queues at an endpoint, and remove them in the end."""
    try:
        yield deploy_all(endpoint_url)
    finally:
        remove_all(endpoint_url)


@contextlib.contextmanager
def dynamodb_local(directory: Path) -> Iterator[tuple[str, str]]:
    """Run DynamoDB Local in memory; return its address and the name of its table."""
    port = free_port()
    libraries = directory / "DynamoDBLocal_lib"
    command = [
        *("java", f"-Djava.library.path={libraries}"),
        *("-cp", f"{directory / 'DynamoDBLocal.jar'}:{libraries}/*", str(_PROGRAM), str(port)),
    ]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:  # at the end its standard input is closed, which ends it
        endpoint_url = f"http://127.0.0.1:{port}"
        yield endpoint_url, _create_table(endpoint_url, process)


def _create_table(endpoint_url: str, process: subprocess.Popen[bytes]) -> str:
    """Make the table of `infra/templates/data.yaml`; DynamoDB Local has no CloudFormation."""
    client = boto3.Session().client("dynamodb", endpoint_url=endpoint_url, **CREDENTIALS)

    def answers() -> bool:
        assert process.poll() is None, "DynamoDB Local has ended"
        with contextlib.suppress(BotoCoreError):
            client.list_tables()
            return True
        return False

    wait_for(answers, "DynamoDB Local")
    template = yaml.load((ROOT / "infra" / "templates" / "data.yaml").read_text(), _TemplateLoader)  # noqa: S506 - a subclass of SafeLoader
    properties = template["Resources"]["TasksTable"]["Properties"]
    kept = ("BillingMode", "AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes")
    client.create_table(TableName="tasks", **{name: properties[name] for name in kept})
    return "tasks"


class _TemplateLoader(yaml.SafeLoader):
    """Reads templates; CloudFormation's functions are left as the texts that they stand before."""


_TemplateLoader.add_multi_constructor("!", lambda loader, suffix, node: node.value)


def check_endpoint(environment: Mapping[str, str]) -> str:
    """Return the endpoint to test.

    Raises:
        BackendMissing: there is none, it cannot be used, or it is in use.
    """
    url = environment.get("AWS_ENDPOINT_URL", "")
    host = urlsplit(url).hostname
    if not host:
        message = (
            "say where the endpoint is: make test-endpoint AWS_ENDPOINT_URL=http://127.0.0.1:4566"
        )
        raise BackendMissing(message)
    if not _is_loopback(host):
        message = f"{url} is not on this machine: tests reach loopback addresses only"
        raise BackendMissing(message)
    client: Any = boto3.Session().client("cloudformation", endpoint_url=url, **CREDENTIALS)
    try:
        present = {stack["StackName"] for stack in client.describe_stacks()["Stacks"]}
    except (BotoCoreError, ClientError) as exc:
        message = f"CloudFormation does not answer at {url}: {exc}"
        raise BackendMissing(message) from exc
    if present & {stack.name for stack in STACKS}:
        message = (
            f"a local stage has its data at {url}; the tests would mix theirs in and remove it all:"
            " `make reset` empties it, or take another endpoint"
        )
        raise BackendMissing(message)
    return url


def check_dynamodb_local(environment: Mapping[str, str]) -> Path:
    """Return where DynamoDB Local is.

    Raises:
        BackendMissing: it is not there, or Java is not.
    """
    directory = Path(environment.get("DYNAMODB_LOCAL_DIR", "")).absolute()
    if not (directory / "DynamoDBLocal.jar").exists():
        message = (
            "say where DynamoDB Local is unpacked: make test-dynamodb-local DYNAMODB_LOCAL_DIR=…\n"
            "(AWS's licence forbids shipping it; docs/deployment.md says where it can be had)"
        )
        raise BackendMissing(message)
    version = java_version()
    if version is None or version < _JAVA_VERSION_MIN:
        found = "there is none" if version is None else f"it is {version}"
        message = f"DynamoDB Local needs a JDK of version {_JAVA_VERSION_MIN} or later; {found}"
        raise BackendMissing(message)
    return directory


def java_version() -> int | None:
    """Return the major version of the JDK on the PATH; None if there is none."""
    if shutil.which("java") is None or shutil.which("javac") is None:
        return None
    shown = subprocess.run(["javac", "-version"], capture_output=True, text=True, check=False)
    return int(shown.stdout.split()[-1].partition(".")[0])


def _is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def main(arguments: list[str]) -> int:
    """Check what is needed, then run the suites."""
    what, *rest = arguments
    suites: tuple[str, ...]
    try:
        if what == "endpoint":
            suites = ENDPOINT_SUITES
            told = {ENDPOINT_VARIABLE: check_endpoint(os.environ)}
        else:
            suites = DYNAMODB_LOCAL_SUITES
            told = {DYNAMODB_LOCAL_VARIABLE: str(check_dynamodb_local(os.environ))}
    except BackendMissing as exc:
        print(exc, file=sys.stderr)
        return 2
    command = [sys.executable, "-m", "pytest", *suites, *rest]
    return subprocess.call(command, cwd=ROOT, env={**os.environ, **told})


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
