"""One task for each call of `submit`, whatever the network does to it, and at whichever byte."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from quantum_tasks import Client, ConnectionFailed, QuantumTasksError
from tests.client.fault_proxy import (
    SAMPLE_STEP,
    Fault,
    FaultProxy,
    Impatient,
    Kind,
    Side,
    fault_proxy,
    places,
)
from tests.client.serving import Running
from tests.client.virtual import VirtualClock

CIRCUIT = "OPENQASM 3.0; qubit q; bit c; c = measure q;"
THREADS = 4


@pytest.fixture
def proxy(running: Running) -> Iterator[FaultProxy]:
    """Put the proxy between client and service."""
    with fault_proxy(running.port) as proxy:
        yield proxy


def submit(url: str, key: str | None = None, *, kind: Kind = Kind.CUT, retries: int = 4) -> str:
    """Submit once, sleeping on a virtual clock, and return the task's id."""
    transport = Impatient(url, kind)
    with Client(url, transport=transport, clock=VirtualClock(), max_retries=retries) as client:
        return client.submit(CIRCUIT, shots=1, key=key).id


def messages(proxy: FaultProxy) -> dict[Side, bytes]:
    """Return what goes each way in a submission."""
    submit(proxy.url)
    proxy.wait()
    return dict(proxy.messages)


@pytest.mark.parametrize("side", list(Side))
@pytest.mark.parametrize("kind", list(Kind))
def test_one_call_is_one_task_whatever_happens_at_whichever_byte(
    kind: Kind, side: Side, running: Running, figures: Callable[[str], None]
) -> None:
    """Each byte of the request and of the answer is the last one that gets through, once."""
    with fault_proxy(running.port) as proxy:
        tried = places(messages(proxy)[side])

    def try_each(first: int) -> tuple[list[str], int]:
        ids = []
        with fault_proxy(running.port) as proxy:
            for after in tried[first::THREADS]:
                proxy.plan(Fault(kind=kind, side=side, after=after))
                ids.append(submit(proxy.url, kind=kind))
                proxy.wait()
            return ids, proxy.exchanges

    with ThreadPoolExecutor(THREADS) as threads:
        done = list(threads.map(try_each, range(THREADS)))
    ids = [task_id for found, _ in done for task_id in found]
    assert len(set(ids)) == len(ids) == len(tried)
    assert set(ids) < set(running.service.tasks)
    assert len(running.service.tasks) == len(ids) + 1
    if kind is not Kind.DUPLICATE:  # the client's tries; a whole answer or a late one needs none
        assert sum(exchanges for _, exchanges in done) >= 2 * len(ids) - 1
    figures(f"fault proxy: {kind.value} at {len(ids)} bytes of the {side.value}: 1 task each")


@pytest.mark.parametrize("side", list(Side))
@pytest.mark.parametrize("kind", [Kind.CUT, Kind.RESET, Kind.UNAVAILABLE])
def test_after_a_crash_the_same_key_finds_the_task_again(
    kind: Kind, side: Side, proxy: FaultProxy, running: Running
) -> None:
    """No try got through in whole; another process submits with the key of the error."""
    size = len(messages(proxy)[side])
    for number, after in enumerate(range(0, size, SAMPLE_STEP)):
        fault = Fault(kind=kind, side=side, after=after)
        proxy.plan(fault, fault)
        with pytest.raises(QuantumTasksError) as caught:
            submit(proxy.url, retries=1)
        assert caught.value.key is not None
        found = submit(running.url, caught.value.key)
        assert found == submit(running.url, caught.value.key)
        assert len(running.service.tasks) == number + 2


def test_several_faults_in_a_row_are_still_one_task(proxy: FaultProxy, running: Running) -> None:
    """Each try meets another one."""
    request, answer = messages(proxy).values()
    before = len(running.service.tasks)
    for step in range(0, min(len(request), len(answer)), SAMPLE_STEP):
        proxy.plan(
            Fault(kind=Kind.CUT, side=Side.ANSWER, after=step),
            Fault(kind=Kind.DUPLICATE, side=Side.REQUEST, after=step),
            Fault(kind=Kind.THROTTLED, side=Side.ANSWER, after=step),
            Fault(kind=Kind.RESET, side=Side.REQUEST, after=len(request)),
        )
        submit(proxy.url)
        proxy.wait()
        before += 1
        assert len(running.service.tasks) == before


def test_the_proxy_can_make_two_tasks_of_submissions_without_a_key(
    proxy: FaultProxy, running: Running
) -> None:
    """What the other tests would show of a client whose tries had different keys."""
    size = len(messages(proxy)[Side.ANSWER])
    before = len(running.service.tasks)
    proxy.plan(Fault(kind=Kind.CUT, side=Side.ANSWER, after=size - 1))
    with pytest.raises(ConnectionFailed):
        submit(proxy.url, "first", retries=0)
    submit(proxy.url, "second", retries=0)
    assert len(running.service.tasks) == before + 2
