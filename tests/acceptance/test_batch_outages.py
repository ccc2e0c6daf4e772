"""A batch through an outage, on real sockets: one answer, each member's truth, nothing twice."""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from chalicelib.settings import Settings
from infra.local.supervisor.supervisor import free_port
from infra.waiting import wait_for
from tests.acceptance.test_lists_and_batches import a_batch, is_healthy, walk
from tests.support.backends import silent_port
from tools.http_client import Http, Reply
from tools.local_stage import Stage

pytestmark = pytest.mark.acceptance

MEMBERS = 100
KEY = {"Idempotency-Key": "through-the-outage"}
#: The issue's own bound on a batch's answer.
ANSWER_SECONDS_MAX = 10.0
#: The longest that one call takes, by what a log line calls it.
CALL_SECONDS_MAX = {
    "dynamodb": Settings().database_call_seconds_max,
    "sqs": Settings().queue_call_seconds_max,
}
Figures = Callable[[str], None]


@pytest.fixture(name="endpoints")
def _endpoints() -> Iterator[dict[str, str]]:
    """Give an endpoint that accepts connections and never answers, and one that refuses them."""
    with silent_port() as port:
        yield {
            "silent": f"http://127.0.0.1:{port}",
            "refusing": f"http://127.0.0.1:{free_port()}",
        }


def calls_by_member(stage: Stage, part: str) -> dict[str, Counter[str]]:
    """Count each member's calls by service, from the lines that each call leaves."""
    calls: dict[str, Counter[str]] = {}
    for entry in stage.log_entries(part):
        service, _, rest = str(entry.get("message", "")).partition(" call")
        ended = rest in {"", " was slow"} or rest.startswith(" failed")
        if service in CALL_SECONDS_MAX and "batch_index" in entry and ended:
            calls.setdefault(entry["batch_index"], Counter())[service] += 1
    return calls


def check_bound(stage: Stage, part: str) -> float:
    """Return the longest that the answer can take: no member begins behind one that failed.

    So the members that called are no more than begin at once, and the slowest of them bounds all.
    """
    calls = calls_by_member(stage, part)
    assert 0 < len(calls) <= Settings().batch_members_at_once
    seconds = max(
        sum(CALL_SECONDS_MAX[service] * count for service, count in made.items())
        for made in calls.values()
    )
    assert seconds < ANSWER_SECONDS_MAX
    return seconds


def refusals(reply: Reply) -> list[dict[str, Any]]:
    """Return the problems of a batch none of whose members was accepted."""
    assert reply.status == 200, reply
    assert [member["index"] for member in reply.json["tasks"]] == list(range(MEMBERS))
    problems = [member["problem"] for member in reply.json["tasks"]]
    for member, problem in zip(reply.json["tasks"], problems, strict=True):
        assert (member["status"], problem["status"]) == (503, 503)
        assert ("task_id" in problem) == (problem["kept"] != "no")
    return problems


def check_recovery(stage: Stage, problems: list[dict[str, Any]]) -> None:
    """What was said is true; the batch repeated with its key is exactly its members' tasks."""
    by_truth: dict[str, set[str]] = {"yes": set(), "unknown": set()}
    for problem in problems:
        if problem["kept"] != "no":
            by_truth[problem["kept"]].add(problem["task_id"])
    listed = {task["task_id"] for task in walk(stage.http)}
    assert by_truth["yes"] <= listed <= by_truth["yes"] | by_truth["unknown"]
    again = stage.http.post("/batches", a_batch("outage", MEMBERS), KEY)
    assert {member["status"] for member in again.json["tasks"]} == {202}
    ids = [member["task"]["task_id"] for member in again.json["tasks"]]
    for task_id, problem in zip(ids, problems, strict=True):
        assert problem.get("task_id", task_id) == task_id
    assert len(set(ids)) == MEMBERS
    assert {task["task_id"] for task in walk(stage.http)} == set(ids)
    assert stage.items() == MEMBERS


@pytest.mark.parametrize("how", ["silent", "refusing"])
def test_a_batch_with_its_queue_out_of_reach(
    stage: Stage, endpoints: dict[str, str], figures: Figures, how: str
) -> None:
    """Without a key nothing is kept; with one, members that are stored say so."""
    stage.start(workers=0)
    http = Http(stage.attach_api(AWS_ENDPOINT_URL_SQS=endpoints[how]))
    unkeyed = http.post("/batches", a_batch("outage", MEMBERS))
    assert {problem["kept"] for problem in refusals(unkeyed)} == {"no"}
    assert stage.items() == 0
    bound = check_bound(stage, "api-2")
    keyed = http.post("/batches", a_batch("outage", MEMBERS), KEY)
    problems = refusals(keyed)
    assert {problem["kept"] for problem in problems} == {"yes", "unknown"}
    figures(
        f"batch of {MEMBERS}, queue {how}: {unkeyed.seconds:.1f} s without a key, "
        f"{keyed.seconds:.1f} s with one, bound {bound:.1f} s"
    )
    http.close()
    check_recovery(stage, problems)
    stage.stop()


@pytest.mark.parametrize("how", ["silent", "refusing", "paused"])
def test_a_batch_with_its_database_out_of_reach(
    stage: Stage, endpoints: dict[str, str], figures: Figures, how: str
) -> None:
    """What was put and not answered is unknown; what a paused database had taken comes late."""
    stage.start(workers=0)
    part = "api" if how == "paused" else "api-2"
    if how == "paused":
        http = Http(stage.port)
        stage.signal("emulator", signal.SIGSTOP)
    else:
        http = Http(stage.attach_api(AWS_ENDPOINT_URL_DYNAMODB=endpoints[how]))
    reply = http.post("/batches", a_batch("outage", MEMBERS), KEY)
    problems = refusals(reply)
    assert "yes" not in {problem["kept"] for problem in problems}
    bound = check_bound(stage, part)
    figures(f"batch of {MEMBERS}, database {how}: {reply.seconds:.1f} s, bound {bound:.1f} s")
    http.close()
    if how == "paused":
        stage.signal("emulator", signal.SIGCONT)
    wait_for(lambda: is_healthy(stage.http), "the API to answer")
    check_recovery(stage, problems)
    stage.stop()
