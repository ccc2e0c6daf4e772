"""The poller between a real queue and a function: deletes successes, leaves failures alone."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, cast

import pytest

from infra.local.settings import ROOT
from infra.local.stand_ins.lambda_runtime.invoker import Invoker
from infra.local.stand_ins.sqs_trigger import EventSourceMapping, Poller
from infra.waiting import wait_for
from tests.local.conftest import FAKE_APP, Queue, Record
from tests.local.emulator_process import EmulatorProcess
from tests.support.processes import is_running, started

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

pytestmark = pytest.mark.emulator

MakePoller = Callable[..., Poller]


@pytest.fixture
def make_poller(queue: Queue, record: Record) -> Iterator[MakePoller]:
    """Make pollers of the test's queue for the fake worker."""
    invokers: list[Invoker] = []

    def make(*, reports: bool = False, timeout_seconds: float = 20) -> Poller:
        invokers.append(
            Invoker(f"{FAKE_APP}.worker", function_name="fake", timeout_seconds=timeout_seconds)
        )
        mapping = EventSourceMapping(queue_url=queue.url, reports_batch_item_failures=reports)
        return Poller(queue.sqs, mapping, invokers[-1])

    yield make
    for invoker in invokers:
        invoker.close()


def deliver(poller: Poller) -> frozenset[str]:
    """Move one batch and return the ids of what failed."""
    messages = poller.receive()
    assert messages
    return poller.process(messages)


def test_a_batch_that_succeeds_is_gone(
    queue: Queue, record: Record, make_poller: MakePoller
) -> None:
    """Its records have the real ids, counts and attributes of a real queue."""
    message_id = queue.send(hello=1)
    assert deliver(make_poller()) == frozenset()
    assert queue.counts() == (0, 0)
    records = {line["record"]["body"]: line["record"] for line in record.lines()}
    sent = records['{"hello": 1}']
    assert sent["messageId"] == message_id
    assert sent["attributes"].keys() >= {
        "ApproximateReceiveCount",
        "SentTimestamp",
        "SenderId",
        "ApproximateFirstReceiveTimestamp",
    }
    assert sent["attributes"]["ApproximateReceiveCount"] == "1"
    assert sent["eventSourceARN"].endswith(queue.url.rpartition("/")[2])
    assert len(sent["md5OfBody"]) == 32


def test_an_exception_leaves_the_whole_batch(queue: Queue, make_poller: MakePoller) -> None:
    """Neighbours too, and their visibility is not touched: they stay in flight."""
    sent = {queue.send(), queue.send(**{"raise": "no"})}
    assert deliver(make_poller()) == sent
    assert queue.counts() == (0, 2)


@pytest.mark.parametrize("reports", [True, False])
def test_reported_failures_are_left_only_where_the_mapping_reports(
    queue: Queue, make_poller: MakePoller, *, reports: bool
) -> None:
    """The setting decides, not the answer: elsewhere what failed is deleted with the rest."""
    queue.send()
    failing = queue.send(report=True)
    assert deliver(make_poller(reports=reports)) == ({failing} if reports else set())
    assert queue.counts() == (0, int(reports))


def test_a_timeout_and_a_crash_leave_the_batch(
    queue: Queue, record: Record, make_poller: MakePoller
) -> None:
    """Whatever kills the invocation, its messages come back."""
    poller = make_poller(timeout_seconds=0.5)
    for body in ({"wait": 60}, {"exit": 1}):
        message_id = queue.send(**body)
        assert deliver(poller) == {message_id}
    assert queue.counts() == (0, 2)
    assert not any(is_running(line["pid"]) for line in record.lines())


@pytest.fixture
def poller_process(
    emulator: EmulatorProcess, queue: Queue, record: Record
) -> Iterator[subprocess.Popen[bytes]]:
    """Run the poller as its own process, as the supervisor does."""
    with started(
        *(sys.executable, "-m", "infra.local.stand_ins.sqs_trigger", "worker-1", "/nowhere"),
        cwd=ROOT,
        env=os.environ
        | {
            "AWS_ENDPOINT_URL": emulator.endpoint_url,
            "TASKS_QUEUE_URL": queue.url,
            "WORKER_HANDLER": f"{FAKE_APP}.worker",
        },
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    ) as process:
        yield process


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({"wait": 60}, id="waiting"),
        pytest.param(
            {"busy": True},
            id="holding-the-interpreters-lock",
            marks=pytest.mark.skipif(sys.platform != "linux", reason="parent-death signal"),
        ),
    ],
)
def test_an_execution_dies_with_its_poller(
    queue: Queue,
    record: Record,
    poller_process: subprocess.Popen[bytes],
    body: dict[str, object],
) -> None:
    """After a kill -9 of the poller no orphan goes on executing."""
    queue.send(**body)
    wait_for(record.lines, "the execution to begin")
    sandbox = record.lines()[0]["pid"]
    assert sandbox != poller_process.pid
    assert is_running(sandbox)
    poller_process.kill()
    poller_process.wait(30)
    wait_for(lambda: not is_running(sandbox), "the execution to end")
    assert queue.counts() == (0, 1)


class OddQueue:
    """A queue whose answers no SDK was made for; at the end it stops its poller."""

    def __init__(self, answers: list[Callable[[], dict[str, object]]]) -> None:
        self._answers = answers
        self.poller: Poller | None = None

    def receive_message(self, **_arguments: object) -> dict[str, object]:
        """Give the next answer."""
        answer = self._answers.pop(0)
        if not self._answers:
            assert self.poller is not None
            self.poller.stop()
        return answer()


def test_nothing_that_a_queue_answers_ends_a_poller(
    record: Record, caplog: pytest.LogCaptureFixture
) -> None:
    """An answer that cannot be read, and a message without what every message has."""

    def unreadable() -> dict[str, object]:
        raise ValueError("not JSON")

    queue = OddQueue([unreadable, lambda: {"Messages": [{"MessageId": "odd"}]}, dict])
    invoker = Invoker(f"{FAKE_APP}.worker", function_name="fake", timeout_seconds=20)
    mapping = EventSourceMapping(queue_url="http://127.0.0.1:1/1/queue")
    queue.poller = Poller(cast("SQSClient", queue), mapping, invoker)
    queue.poller.run()
    assert [line.getMessage() for line in caplog.records if line.levelname == "ERROR"] == [
        "queue unreachable: not JSON",
        "a batch cannot be delivered; it stays in the queue",
    ]
    assert record.lines() == []


def test_a_stop_lets_the_execution_in_hand_finish(
    queue: Queue, record: Record, poller_process: subprocess.Popen[bytes]
) -> None:
    """SIGTERM takes no further batch, and the one in hand is settled."""
    queue.send(wait=1)
    wait_for(record.lines, "the execution to begin")
    poller_process.terminate()
    assert poller_process.wait(30) == 0
    assert queue.counts() == (0, 0)
    assert not is_running(record.lines()[0]["pid"])
