"""Each permission of each function, taken away: what needs it fails cleanly, all else goes on.

That the functions work at all with what is left shows that a permission is needed. Two
kinds are not in these tables, since MiniStack acts for the platform without asking the role: what
Lambda does with the queue (receive, delete, attributes) and with the log. `test_iam_policies.py`
holds those against what AWS documents.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from msgspec import structs

from chalicelib.adapters.dynamodb.store import DynamoDbTaskStore
from chalicelib.domain import lifecycle
from chalicelib.domain.message import TaskMessage
from chalicelib.domain.task import Lease, TaskResult
from chalicelib.errors import StoreUnavailable
from chalicelib.settings import Settings
from infra.deploy.api_client import ApiClient, Reply
from infra.package.throttling import throttles
from infra.waiting import wait_for
from tests.deploy.deployed_stage import DeployedStage, reduced_policy, task_id_of
from tests.support.in_memory import a_request, a_task
from tests.support.new_process import as_in_a_new_process

pytestmark = pytest.mark.emulator

CIRCUIT = "OPENQASM 3.0; qubit q; bit c; c = measure q;"
BATCH = {"tasks": [{"circuit": CIRCUIT}]}


@dataclasses.dataclass(frozen=True, slots=True)
class Calls:
    """The API's calls, each in a form that is answered with success as long as it may work."""

    client: ApiClient
    existing: str

    def __call__(self, call: str) -> Reply:
        """Make one of the calls."""
        return {
            "post": lambda: self.client.call("POST", "/tasks", {"circuit": CIRCUIT}),
            "get": lambda: self.client.call("GET", f"/tasks/{self.existing}"),
            "cancel": lambda: self.client.call("POST", f"/tasks/{self.existing}/cancel"),
            "health": lambda: self.client.call("GET", "/health"),
            "list": lambda: self.client.call("GET", "/tasks"),
            "batch": lambda: self.client.call("POST", "/batches", BATCH),
            "validate": lambda: self.client.call("POST", "/validations", {"circuit": CIRCUIT}),
            "describe": lambda: self.client.call("GET", "/openapi.json"),
        }[call]()


#: The status of each, and what it says where its permissions suffice.
SUCCESS = {
    "post": (202, '"status":"pending"'),
    "get": (200, '"status":"'),
    "cancel": (200, '"status":"cancelled"'),
    "health": (200, ""),
    "list": (200, '"tasks":[{'),
    "batch": (200, '"status":202'),
    "validate": (200, '"valid":true'),
    "describe": (200, '"openapi": "3.1'),
}


@pytest.fixture(scope="module", autouse=True)
def _without_own_throttles(stage: DeployedStage) -> Iterator[None]:
    """Let these tests ask more often than the own throttles of costly calls allow."""

    def limit(factor: int) -> None:
        for throttle in throttles(stage.spec)[1:]:
            rate = throttle.requests_per_second * factor
            stage.patch_api_stage(f"{throttle.pointer}/rateLimit", f"{rate:g}")
            stage.patch_api_stage(f"{throttle.pointer}/burstLimit", f"{throttle.burst * factor}")

    limit(100)
    yield
    limit(1)


#: What is taken away; which calls fail then, with what; and what stands in the log.
API_CASES: Sequence[tuple[str, dict[str, tuple[int, str]]]] = (
    ("dynamodb:PutItem", {"post": (503, '"kept":"no"'), "batch": (200, '"kept":"no"')}),
    ("dynamodb:GetItem", {"get": (503, ""), "health": (503, '"database_status":"unavailable"')}),
    ("dynamodb:UpdateItem", {"cancel": (503, "did not cancel")}),
    ("dynamodb:Query", {"list": (503, "")}),
    ("dynamodb:BatchGetItem", {"list": (503, "")}),
    ("sqs:SendMessage", {"post": (503, '"kept":"no"'), "batch": (200, '"kept":"no"')}),
    ("sqs:GetQueueAttributes", {"health": (200, '"queue_status":"unavailable"')}),
)


@pytest.mark.parametrize(("action", "failing"), API_CASES, ids=[case[0] for case in API_CASES])
@pytest.mark.usefixtures("clean_queue")
def test_the_api_without_a_permission(
    stage: DeployedStage, alice: ApiClient, action: str, failing: dict[str, tuple[int, str]]
) -> None:
    """Exactly the calls that need it answer 503 with the truth; every other call succeeds."""
    with stage.paused():  # what is cancelled must not have been completed
        calls = Calls(alice, task_id_of(alice.call("POST", "/tasks", {"circuit": CIRCUIT})))
        with stage.without("api_handler", action):
            for call, success in SUCCESS.items():
                answer = calls(call)
                status, words = failing.get(call, success)
                assert (call, answer.status) == (call, status), answer.content
                assert words in answer.content.decode()
                assert _tells_nothing_of_aws(answer)
    operation = action.partition(":")[2]
    assert stage.logged("api_handler", '"level":"ERROR"', operation, "AccessDenied")


@pytest.mark.usefixtures("clean_queue")
def test_the_api_may_withdraw_what_it_could_not_send(
    stage: DeployedStage, alice: ApiClient
) -> None:
    """Deleting serves that only: without it the task is kept, and the answer says so."""
    with stage.paused(), stage.without("api_handler", "dynamodb:DeleteItem"):
        assert Calls(alice, str(uuid4()))("post").status == 202
        with stage.without("api_handler", "sqs:SendMessage"):
            answer = Calls(alice, str(uuid4()))("post")
    assert (answer.status, answer.body["kept"]) == (503, "yes")
    assert _tells_nothing_of_aws(answer)
    item = stage.item(answer.body["task_id"])
    assert item is not None
    assert item["status"] == {"S": "pending"}
    assert stage.logged("api_handler", '"level":"ERROR"', "DeleteItem", "AccessDenied")


@pytest.mark.usefixtures("clean_queue")
def test_the_worker_without_its_claim(stage: DeployedStage, alice: ApiClient) -> None:
    """It may not write: nothing is executed, the message comes back, and then the task is."""
    with stage.without("worker", "dynamodb:UpdateItem"):
        task_id = task_id_of(alice.call("POST", "/tasks", {"circuit": CIRCUIT}))
        _redelivered(stage, task_id, "UpdateItem")
        assert alice.call("GET", f"/tasks/{task_id}").body["status"] == "pending"
        assert sum(stage.messages()) == 1
    task = stage.ended(alice, task_id)
    assert (task["status"], task["attempt"]) == ("completed", 1)


@pytest.mark.usefixtures("clean_queue")
def test_the_worker_without_reading(stage: DeployedStage, alice: ApiClient) -> None:
    """It may not find out why a claim was refused: the delivery fails, nothing is acknowledged."""
    task_id = task_id_of(alice.call("POST", "/tasks", {"circuit": CIRCUIT}))
    stage.ended(alice, task_id)
    wait_for(lambda: stage.messages() == (0, 0), "empty queue")
    with stage.without("worker", "dynamodb:GetItem"):
        stage.send(_message(task_id))
        _redelivered(stage, task_id, "GetItem")
        assert sum(stage.messages()) == 1
    wait_for(lambda: stage.messages() == (0, 0), "acknowledged duplicate")


@pytest.mark.parametrize("taken", [frozenset(), frozenset({"dynamodb:PutItem"})], ids=["", "put"])
def test_the_worker_may_keep_a_large_result_in_an_item_of_its_own(
    stage: DeployedStage, monkeypatch: pytest.MonkeyPatch, taken: frozenset[str]
) -> None:
    """The mock executor has none so large, so this asks for the policy alone: put it, or fail."""
    policy = reduced_policy(stage.policy("worker"), taken)
    who = stage.account.new_user(f"worker-{uuid4()}", *policy["Statement"])
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", who.access_key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", who.secret_key)
    monkeypatch.setenv("AWS_ENDPOINT_URL", stage.account.endpoint_url)
    monkeypatch.setenv("AWS_CA_BUNDLE", str(stage.account.certificate.authority))
    with as_in_a_new_process():
        store = DynamoDbTaskStore(Settings(tasks_table_name=stage.outputs["TableName"]))
    counts = {f"{i**7 % (2**40 - 87):040b}": 1 for i in range(1, 1001)}
    result = TaskResult(counts=counts, shots=1000, executor="t", executor_version="1", seed=1)
    task_id = stage.put_task(a_task(str(uuid4()), now=datetime.now(UTC)))
    now = datetime.now(UTC)
    lease = Lease(holder="me", expires_at=now + timedelta(minutes=1))
    store.apply(lifecycle.claim_if_available(task_id, lease=lease, now=now, attempts_max=1))
    complete = lifecycle.complete_if_current_attempt(task_id, attempt=1, result=result, now=now)
    if taken:
        with pytest.raises(StoreUnavailable) as refused:
            store.apply(complete)
        assert refused.value.in_doubt is False
    else:
        store.apply(complete)
        kept = store.get(task_id)
        assert kept is not None
        assert kept.result == result


@pytest.mark.usefixtures("clean_queue")
def test_the_worker_without_hiding_messages(stage: DeployedStage, alice: ApiClient) -> None:
    """The message stays hidden for the queue's own time; neighbours do not notice."""
    poison = f"no message of the service {uuid4()}"
    with stage.without("worker", "sqs:ChangeMessageVisibility"):
        stage.send(poison)
        task_id = task_id_of(alice.call("POST", "/tasks", {"circuit": CIRCUIT}))
        assert stage.ended(alice, task_id)["status"] == "completed"
        assert stage.logged("worker", "ChangeMessageVisibility", "AccessDenied")
        wait_for(lambda: stage.messages() == (0, 1), "hidden message")


@pytest.fixture
def due_task(stage: DeployedStage) -> Callable[[], str]:
    """Return what stores a task whose message was lost a while ago."""

    def create() -> str:
        now = datetime.now(UTC)
        return stage.put_task(
            structs.replace(
                a_task(str(uuid4()), request=a_request(CIRCUIT)),
                submitted_at=now - timedelta(hours=1),
                due_at=now - timedelta(minutes=45),
            )
        )

    return create


@pytest.fixture
def _swept_clean(stage: DeployedStage) -> None:
    """Bring back what the tests before have left."""
    with stage.paused():
        stage.sweep()
        stage.account.client("sqs").purge_queue(QueueUrl=stage.outputs["QueueUrl"])


SWEEPER_CASES = (
    ("dynamodb:Query", 0),
    ("dynamodb:GetItem", 0),
    ("dynamodb:UpdateItem", 0),
    # Noted before it is sent: it is due again after its interval.
    ("sqs:SendMessage", 1),
)


@pytest.mark.parametrize(("action", "notes"), SWEEPER_CASES, ids=[c[0] for c in SWEEPER_CASES])
@pytest.mark.usefixtures("_swept_clean", "clean_queue")
def test_the_sweeper_without_a_permission(
    stage: DeployedStage, due_task: Callable[[], str], action: str, notes: int
) -> None:
    """The run fails visibly, nothing is sent, and the log names the action."""
    with stage.paused(), stage.without("sweeper", action):
        task_id = due_task()
        assert stage.sweep()["FunctionError"] == "Unhandled"
        assert stage.messages() == (0, 0)
        item = stage.item(task_id)
        assert item is not None
        assert item["sweeps"] == {"N": str(notes)}
    operation = action.partition(":")[2]
    assert stage.logged("sweeper", '"level":"ERROR"', operation, "AccessDenied")


@pytest.mark.usefixtures("_swept_clean", "clean_queue")
def test_the_sweeper_brings_back_a_lost_task(
    stage: DeployedStage, due_task: Callable[[], str]
) -> None:
    """With its permissions it finds the task and sends its message; the worker does the rest."""
    task_id = due_task()
    assert "FunctionError" not in stage.sweep()

    def completed() -> bool:
        item = stage.item(task_id)
        return item is not None and item["status"] == {"S": "completed"}

    wait_for(completed, "completed task")


def test_the_schedule_runs_the_sweeper(stage: DeployedStage) -> None:
    """More sweeps come to their end than the tests have asked for; a minute has passed by now."""

    def swept_by_itself() -> bool:
        swept = [line for line in stage.log_lines("sweeper") if '"message":"swept"' in line]
        return len(swept) > len(stage.sweeps)

    assert wait_for(swept_by_itself, "scheduled sweep", seconds_max=150)


def _message(task_id: str) -> str:
    return TaskMessage(
        task_id=task_id, correlation_id="again", enqueued_at=datetime.now(UTC)
    ).to_json()


def _redelivered(stage: DeployedStage, task_id: str, operation: str) -> None:
    """Wait until a delivery of a task has failed, for want of this operation."""
    assert stage.logged("worker", "message redelivered", task_id)
    assert stage.logged("worker", '"level":"ERROR"', task_id, operation, "AccessDenied")


def _tells_nothing_of_aws(answer: Reply) -> bool:
    text = json.dumps(answer.body)
    return not any(word in text for word in ("AccessDenied", "arn:", "authorized to perform"))
