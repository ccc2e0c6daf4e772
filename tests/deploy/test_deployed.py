"""The package of `make package`, deployed: what a client, an operator and a stranger see of it."""

from __future__ import annotations

import json
from typing import Any
from uuid import uuid4

import pytest
from botocore.exceptions import ClientError

from chalicelib.adapters import telemetry
from infra.deploy.api_client import ApiClient
from infra.doctor.rules.stage import ALARMS
from infra.local.settings import ROOT
from infra.waiting import wait_for
from tests.deploy.conftest import PAGES, Users
from tests.deploy.deployed_stage import DeployedStage, task_id_of

pytestmark = pytest.mark.emulator

BELL = "OPENQASM 3.0; qubit[2] q; bit[2] c; h q[0]; cx q[0], q[1]; c = measure q;"
PROBLEM = "application/problem+json"


def test_a_submitted_task_is_executed_and_can_be_read(
    alice: ApiClient, stage: DeployedStage
) -> None:
    """Gateway, API, queue, mapping, worker and table do together what the README promises."""
    accepted = alice.call("POST", "/tasks", {"circuit": BELL, "shots": 100})
    assert accepted.headers["location"] == f"tasks/{task_id_of(accepted)}"
    task = stage.ended(alice, task_id_of(accepted))
    assert [entry["status"] for entry in task["status_history"]] == [
        "pending",
        "processing",
        "completed",
    ]
    result = task["result"]
    assert sum(result["counts"].values()) == 100
    assert set(result["counts"]) == {"00", "11"}
    assert (result["executor"], result["registers"]) == ("prism-q", [{"name": "c", "size": 2}])
    assert task["circuit"] == BELL
    wait_for(lambda: stage.messages() == (0, 0), "empty queue")
    assert stage.messages("DeadLetterQueueUrl") == (0, 0)


def test_the_calls_around_a_task_work_when_deployed(alice: ApiClient, stage: DeployedStage) -> None:
    """A batch's members run, the list has them, a mistake has its place, and all is described."""
    tag = {"batch": str(uuid4())}
    posted = {"tasks": [{"circuit": BELL, "tags": tag}, {"circuit": BELL, "tags": tag, "shots": 0}]}
    made, refused = alice.call("POST", "/batches", posted).body["tasks"]
    assert (made["index"], made["status"], refused["status"]) == (0, 202, 400)
    assert refused["problem"]["type"] == "/problems/invalid-request"
    task_id = made["task"]["task_id"]
    assert stage.ended(alice, task_id)["status"] == "completed"
    answer = alice.call("GET", f"/tasks?tag=batch%3A{tag['batch']}&status=completed")
    assert answer.status == 200, answer.content
    listed = answer.body
    assert [task["task_id"] for task in listed["tasks"]] == [task_id]
    wrong = "OPENQASM 3.0;\nqubit q;\nh r;"
    found = alice.call("POST", "/validations", {"circuit": wrong}).body
    assert (found["valid"], found["findings"][0]["line"]) == (False, 3)
    assert alice.call("POST", "/validations", {"circuit": BELL}).body["valid"] is True
    described = alice.call("GET", "/openapi.json")
    assert described.body == json.loads((ROOT / "docs" / "openapi.json").read_text())
    unsigned = stage.caller(None)
    for method, path in (("GET", "/tasks"), ("POST", "/batches"), ("GET", "/openapi.json")):
        assert unsigned.call(method, path, {}).status == 403
    metric = ('"batch_members":2', '"batch_members_failed":0', f'"stage":"{stage.spec.stage}"')
    assert stage.logged("api_handler", *metric)


def test_health_is_open_and_finds_database_and_queue(stage: DeployedStage) -> None:
    """A health check is not signed; the function's permissions suffice for it."""
    answer = stage.caller(None).call("GET", "/health")
    assert answer.status == 200
    assert answer.body["status"] == "healthy"


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/tasks"), ("GET", "/tasks/x"), ("POST", "/tasks/x/cancel"), ("GET", "/nowhere")],
)
def test_a_request_without_a_signature_is_refused_with_a_problem(
    stage: DeployedStage, method: str, path: str
) -> None:
    """The gateway's own answers are problem documents in our words, with an id to ask about."""
    answer = stage.caller(None).call(method, path, {"circuit": BELL})
    assert answer.status == answer.body["status"] == 403
    assert answer.headers["content-type"] == PROBLEM
    assert answer.headers["x-correlation-id"] == answer.body["correlation_id"] != ""
    assert "Missing Authentication Token" not in answer.content.decode()


def test_a_caller_without_permission_is_refused(stage: DeployedStage, users: Users) -> None:
    """Being known is not enough: a policy must allow the call."""
    assert stage.caller(users.stranger).call("GET", "/tasks/x").status == 403


def test_pages_of_the_one_origin_may_call(alice: ApiClient, stage: DeployedStage) -> None:
    """A browser's preflight needs no signature and starts no function; each answer says whose."""
    page = {"Origin": PAGES, "Access-Control-Request-Method": "POST"}
    for path in ("/tasks", f"/tasks/{uuid4()}", "/batches", "/validations", "/openapi.json"):
        preflight = stage.caller(None).call("OPTIONS", path, headers=page)
        assert preflight.status in {200, 204}, (path, preflight)
        assert preflight.headers["access-control-allow-origin"] == PAGES
        allowed = preflight.headers["access-control-allow-headers"].lower().split(",")
        assert {"authorization", "content-type", "idempotency-key", "if-none-match"} <= set(allowed)
    accepted = alice.call("POST", "/tasks", {"circuit": BELL, "shots": 1}, headers=page)
    missing = alice.call("GET", f"/tasks/{uuid4()}", headers=page)
    assert (accepted.status, missing.status) == (202, 404)
    for answer in (accepted, missing):
        assert answer.headers["access-control-allow-origin"] == PAGES
        assert "location" in answer.headers["access-control-expose-headers"].lower()


def test_two_callers_do_not_see_each_other(stage: DeployedStage, users: Users) -> None:
    """The gateway's caller is the task's owner: another's task is like one that does not exist."""
    alice, bob = stage.caller(users.alice), stage.caller(users.bob)
    key = {"Idempotency-Key": "the-same-for-both"}
    mine = task_id_of(alice.call("POST", "/tasks", {"circuit": BELL}, key))
    other = alice.call("GET", "/tasks/00000000-0000-4000-8000-000000000000")
    for answer in (bob.call("GET", f"/tasks/{mine}"), bob.call("POST", f"/tasks/{mine}/cancel")):
        assert answer.status == 404
        assert _without_id(answer.body) == _without_id(other.body)
    assert task_id_of(bob.call("POST", "/tasks", {"circuit": BELL}, key)) != mine
    again = alice.call("POST", "/tasks", {"circuit": BELL}, key)
    assert (task_id_of(again), again.headers["idempotent-replayed"]) == (mine, "true")


def test_plain_http_is_refused_by_the_queues(stage: DeployedStage) -> None:
    """The queues' policies let no caller in without TLS, root included."""
    for queue in ("QueueUrl", "DeadLetterQueueUrl"):
        with pytest.raises(ClientError, match="denied"):
            stage.account.client("sqs", over_tls=False).send_message(
                QueueUrl=stage.outputs[queue], MessageBody="in the clear"
            )


@pytest.mark.usefixtures("clean_queue")
def test_a_poison_message_reaches_the_dead_letter_queue_and_its_neighbours_complete(
    alice: ApiClient, stage: DeployedStage
) -> None:
    """One message that cannot be read costs nine tasks nothing, and is kept for inspection."""
    with stage.paused():
        accepted = [task_id_of(alice.call("POST", "/tasks", {"circuit": BELL})) for _ in range(9)]
        stage.send("this is no message of the service")
        wait_for(lambda: stage.messages() == (10, 0), "full batch")
    for task_id in accepted:
        task = stage.ended(alice, task_id)
        assert [entry["status"] for entry in task["status_history"]][1:] == [
            "processing",
            "completed",
        ]
    wait_for(lambda: stage.messages("DeadLetterQueueUrl") == (1, 0), "dead letter", seconds_max=60)
    (dead,) = stage.account.client("sqs").receive_message(
        QueueUrl=stage.outputs["DeadLetterQueueUrl"], AttributeNames=["ApproximateReceiveCount"]
    )["Messages"]
    assert dead["Body"] == "this is no message of the service"
    unreadable = [line for line in stage.log_lines("worker") if "message cannot be read" in line]
    assert sum("this is no message" in line for line in unreadable) == (
        stage.spec.max_receive_count
    )
    assert stage.messages() == (0, 0)


def test_what_is_logged_is_json_and_kept_as_long_as_configured(stage: DeployedStage) -> None:
    """Each of its lines can be searched; the group was made with its retention before them."""
    groups: list[dict[str, Any]] = stage.account.client("logs").describe_log_groups(
        logGroupNamePrefix="/aws/lambda/quantum-tasks-dev"
    )["logGroups"]
    assert {group["logGroupName"]: group.get("retentionInDays") for group in groups} == {
        f"/aws/lambda/{function.function_name}": stage.spec.log_retention_days
        for function in stage.spec.functions.values()
    }
    lines = [line for line in stage.log_lines("api_handler") if line.startswith("{")]
    assert lines
    assert all(json.loads(line) for line in lines)


def test_each_alarm_watches_something_that_is_there(stage: DeployedStage) -> None:
    """A typing error in a name would be an alarm that never rings, or one that always does."""
    names = {
        "FunctionName": {f.function_name for f in stage.spec.functions.values()},
        "QueueName": {stage.outputs["QueueName"], stage.outputs["DeadLetterQueueName"]},
        "TableName": {stage.outputs["TableName"]},
        "ApiName": {
            api["name"] for api in stage.account.client("apigateway").get_rest_apis()["items"]
        },
        "Stage": {stage.spec.api_stage},
        "GlobalSecondaryIndexName": {"open_tasks", "tasks_by_owner"},
        "stage": {stage.spec.stage},
        "service": {telemetry.SERVICE},
    }
    alarms = stage.account.client("cloudwatch").describe_alarms(
        AlarmNamePrefix=f"{stage.spec.name}-"
    )["MetricAlarms"]
    assert len(alarms) == len(ALARMS)
    for alarm in alarms:
        assert alarm["Dimensions"]
        for dimension in alarm["Dimensions"]:
            assert dimension["Value"] in names[dimension["Name"]], alarm["AlarmName"]
    own = [alarm for alarm in alarms if not alarm["Namespace"].startswith("AWS/")]
    assert {alarm["Namespace"] for alarm in own} == {telemetry.METRICS_NAMESPACE}
    assert {alarm["MetricName"] for alarm in own} == {
        *("batch_members_failed", "redelivered", "sweeps", "unreadable")
    }
    stage.sweep()
    written = '"Namespace":"QuantumTasks","Dimensions":[["stage","service"]]'
    assert stage.logged("sweeper", written, '"sweeps":1', f'"stage":"{stage.spec.stage}"')


def _without_id(problem: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in problem.items() if key != "correlation_id"}
