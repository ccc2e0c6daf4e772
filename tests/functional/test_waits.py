"""`Prefer: wait`: a request that waits for its task's end."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from msgspec import structs

import app as lambda_functions
from chalicelib import composition
from chalicelib.errors import StoreUnavailable
from tests.functional.conftest import Api
from tests.support.events import post_event
from tests.support.lambda_context import Context

WAIT = {"Prefer": "wait=2"}
CIRCUIT = "OPENQASM 3.0; qubit q; bit c; c = measure q;"


@pytest.fixture
def meanwhile(api: Api) -> Callable[[Callable[[], object]], None]:
    """Let something happen in each pause of a wait, instead of time."""
    del api  # its environment is set

    def replace(happens: Callable[[], object]) -> None:
        service = composition.get_service()
        clock: Any = SimpleNamespace(now=service.wait.clock.now, sleep=lambda _: happens())
        wait = structs.replace(service.wait, clock=clock)
        composition.override_service(structs.replace(service, wait=wait))

    return replace


def failing_reads(of: set[str]) -> None:
    """Let reads of the store fail from now on."""
    service = composition.get_service()

    class Failing:
        def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever a store has
            if name in of:
                raise StoreUnavailable
            return getattr(service.ports.store, name)

    store: Any = Failing()
    read = structs.replace(service.get, store=store)
    wait = structs.replace(service.wait, store=store)
    composition.override_service(structs.replace(service, get=read, wait=wait))


def test_a_submission_that_waits_has_its_task(api: Api, meanwhile: Any) -> None:  # noqa: ANN401
    """The rest of the answer is that of one which does not; the task is what a read shows."""
    plain = api.post({"circuit": CIRCUIT})
    meanwhile(api.deliver)
    answer = api.post({"circuit": CIRCUIT}, **WAIT)
    assert (answer.status, answer.headers["Preference-Applied"]) == (202, "wait=2")
    assert set(answer.body) - set(plain.body) == {"task"}
    assert answer.body["status"] == "pending"
    assert answer.body["task"] == api.get(answer.body["task_id"]).body
    assert answer.body["task"]["status"] == "completed"
    assert "Preference-Applied" not in plain.headers


def test_a_replay_of_an_ended_task_has_it_at_once(api: Api, meanwhile: Any) -> None:  # noqa: ANN401
    """Nothing is waited for."""
    first = api.post({"circuit": CIRCUIT}, Idempotency_Key="k")
    api.deliver()
    meanwhile(lambda: pytest.fail("it waits"))
    again = api.post({"circuit": CIRCUIT}, Idempotency_Key="k", **WAIT)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.body["task"] == api.get(first.body["task_id"]).body


def test_a_read_waits_and_then_compares(api: Api, meanwhile: Any) -> None:  # noqa: ANN401
    """With the tag of a pending task it shows the end; with that of an ended one it is a 304."""
    task_id = api.submit(CIRCUIT)
    pending = api.get(task_id)
    meanwhile(api.deliver)
    ended = api.get(task_id, If_None_Match=pending.headers["ETag"], **WAIT)
    assert (ended.status, ended.body["status"]) == (200, "completed")
    assert ended.headers["Preference-Applied"] == "wait=2"
    meanwhile(lambda: pytest.fail("it waits"))
    again = api.get(task_id, If_None_Match=ended.headers["ETag"], **WAIT)
    assert (again.status, again.body) == (304, None)


def test_a_wait_that_sees_no_end_is_an_answer_without_one(api: Api) -> None:
    """A second is over then, and the submission is accepted as ever."""
    answer = api.post({"circuit": CIRCUIT}, Prefer="wait=1")
    assert (answer.status, "task" in answer.body) == (202, False)
    assert answer.headers["Retry-After"] == "1"


@pytest.mark.parametrize("of", [{"get_without_payloads"}, {"get"}, {"get", "get_without_payloads"}])
def test_a_submission_whose_reads_fail_is_accepted(api: Api, meanwhile: Any, of: set[str]) -> None:  # noqa: ANN401
    """Its task is kept, so it is never a 503."""
    meanwhile(api.deliver)
    failing_reads(of)
    answer = api.post({"circuit": CIRCUIT}, **WAIT)
    assert (answer.status, "task" in answer.body) == (202, False)
    composition.override_service(None)
    assert api.get(answer.body["task_id"]).status == 200


@pytest.mark.parametrize(
    "preference",
    ["wait", "wait=", "wait=x", "wait=-1", "wait=1.5", "wait=0", "respond-async", "", "await=2"],
)
def test_what_asks_for_no_wait_is_ignored(api: Api, meanwhile: Any, preference: str) -> None:  # noqa: ANN401
    """RFC 7240: a preference that cannot be kept is no error."""
    meanwhile(lambda: pytest.fail("it waits"))
    answer = api.post({"circuit": CIRCUIT}, Prefer=preference)
    assert (answer.status, "Preference-Applied" in answer.headers) == (202, False)


@pytest.mark.parametrize(
    ("preference", "applied"),
    [
        ("wait=1", "wait=1"),
        ("Wait=600", "wait=2"),
        ("respond-async, wait=1; strict", "wait=1"),
        ('return=minimal,wait="1"', "wait=1"),
        ("wait=1, wait=2", "wait=1"),
    ],
)
def test_a_wait_is_read_among_other_preferences(
    api: Api,
    meanwhile: Any,  # noqa: ANN401
    preference: str,
    applied: str,
) -> None:
    """In any case of letters, quoted or not; the first counts, and the service's limit."""
    meanwhile(api.deliver)
    answer = api.post({"circuit": CIRCUIT}, Prefer=preference)
    assert answer.headers["Preference-Applied"] == applied


def test_a_batch_waits_for_nothing(api: Api, meanwhile: Any) -> None:  # noqa: ANN401
    """Its members have ends of their own."""
    meanwhile(lambda: pytest.fail("it waits"))
    answer = api.post_batch([{"circuit": CIRCUIT}], **WAIT)
    assert (answer.status, "Preference-Applied" in answer.headers) == (200, False)


def test_a_stage_may_turn_waiting_off(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """Then it costs nothing."""
    monkeypatch.setenv("WAIT_SECONDS_MAX", "0")
    composition.override_service(None)
    answer = api.post({"circuit": CIRCUIT}, **WAIT)
    assert (answer.status, "Preference-Applied" in answer.headers) == (202, False)


@pytest.mark.parametrize(("seconds", "applied"), [(9.6, None), (9.8, "1"), (10.8, "2")])
def test_a_wait_leaves_time_for_the_answer(api: Api, seconds: float, applied: str | None) -> None:
    """Of what is left of the invocation, three calls of the database, 8.7 s, are kept free."""
    event = post_event(f'{{"circuit": "{CIRCUIT}"}}', headers={"Prefer": ["wait=2"]})
    answer = lambda_functions.app(event, Context(int(seconds * 1000)))
    found = answer["headers"].get("Preference-Applied")
    assert (answer["statusCode"], found) == (202, applied and f"wait={applied}")
