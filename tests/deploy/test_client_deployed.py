"""The client against a deployed stage: over TLS, signed, and with owners of its own."""

from __future__ import annotations

import pytest
from botocore.credentials import Credentials

from infra.deploy.api_client import api_url
from infra.waiting import wait_for
from quantum_tasks import Client, NotAuthorized, TaskNotFound
from quantum_tasks.cli import exits
from tests.client.process import qtasks
from tests.deploy.account import REGION
from tests.deploy.conftest import Users
from tests.deploy.deployed_stage import DeployedStage

pytestmark = pytest.mark.emulator

BELL = (
    'OPENQASM 3.0; include "stdgates.inc"; qubit[2] q; bit[2] c; '
    "h q[0]; cx q[0], q[1]; c = measure q;"
)


def address(stage: DeployedStage) -> str:
    """Return where the stage answers."""
    endpoint = stage.account.endpoint_url
    return api_url(stage.api_id, stage.spec.stage, region=REGION, endpoint_url=endpoint)


def variables(stage: DeployedStage, who: Credentials) -> dict[str, str]:
    """Return what a user's shell would have: credentials, and whom TLS trusts."""
    return {
        "AWS_ACCESS_KEY_ID": who.access_key,
        "AWS_SECRET_ACCESS_KEY": who.secret_key,
        "SSL_CERT_FILE": str(stage.account.certificate.authority),
    }


def client_of(
    stage: DeployedStage, who: Credentials, monkeypatch: pytest.MonkeyPatch, auth: str = "sigv4"
) -> Client:
    """Return a client as a user makes it."""
    for name, value in variables(stage, who).items():
        monkeypatch.setenv(name, value)
    return Client(address(stage), auth=auth, region=REGION)


def test_a_signed_client_submits_waits_lists_and_cancels(
    stage: DeployedStage, users: Users, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Query parameters, keys and bodies are signed as they are sent."""
    tags = {"suite": "client: a value/with=signs ü"}
    with client_of(stage, users.alice, monkeypatch) as client:
        result = client.run(BELL, shots=50, tags=tags, wait_timeout=60)
        assert sum(result.counts.values()) == 50
        batch = client.submit_many([{"circuit": BELL, "tags": tags}] * 3, key="deployed")
        batch.wait(timeout=60)
        wait_for(
            lambda: len(list(client.list(tags=tags, status=["completed"], page_size=2))) == 4,
            "the list to have all four",
        )
        alices = batch.tasks[0].id
    with client_of(stage, users.bob, monkeypatch) as client, pytest.raises(TaskNotFound):
        client.get(alices)


def test_who_may_not_call_is_told_so(
    stage: DeployedStage, users: Users, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stranger's signature, and none at all."""
    with client_of(stage, users.stranger, monkeypatch) as client, pytest.raises(NotAuthorized):
        client.submit(BELL)
    unsigned = client_of(stage, users.alice, monkeypatch, auth="none")
    with unsigned, pytest.raises(NotAuthorized):
        unsigned.submit(BELL)


def test_the_command_line_signs_too(stage: DeployedStage, users: Users) -> None:
    """Exit code 4 is for callers that may not."""
    url = address(stage)
    signed = ("--auth", "sigv4", "--region", REGION)
    listed = qtasks(url, "list", "--json", *signed, **variables(stage, users.alice))
    assert (listed.code, listed.err) == (exits.DONE, "")
    refused = qtasks(url, "list", *signed, **variables(stage, users.stranger))
    assert refused.code == exits.NOT_AUTHORIZED
