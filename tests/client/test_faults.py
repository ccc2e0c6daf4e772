"""One task for each call of `submit`, whatever the network does to it, and at whichever byte."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest

from quantum_tasks import Client, ConnectionFailed, QuantumTasksError
from tests.client.fault_proxy import Fault, FaultProxy, Kind, Side, fault_proxy
from tests.client.serving import Running
from tests.client.virtual import VirtualClock

CIRCUIT = "OPENQASM 3.0; qubit q; bit c; c = measure q;"
#: A client that waits longer for a delayed answer only makes the tests longer.
DELAYED_SECONDS = 0.2


@pytest.fixture
def proxy(running: Running) -> Iterator[FaultProxy]:
    """Put the proxy between client and service."""
    with fault_proxy(running.port) as proxy:
        yield proxy


def submit(url: str, key: str | None = None, *, seconds: float = 30.0, retries: int = 4) -> str:
    """Submit once, sleeping on a virtual clock, and return the task's id."""
    client = Client(url, clock=VirtualClock(), timeout=seconds, max_retries=retries)
    with client:
        return client.submit(CIRCUIT, shots=1, key=key).id


def lengths(proxy: FaultProxy) -> dict[Side, int]:
    """Return how many bytes a submission has each way."""
    submit(proxy.url)
    proxy.settle()
    return dict(proxy.sizes)


@pytest.mark.parametrize("side", list(Side))
@pytest.mark.parametrize("kind", list(Kind))
def test_one_call_is_one_task_whatever_happens_at_whichever_byte(
    kind: Kind, side: Side, running: Running, figures: Callable[[str], None]
) -> None:
    """Every byte of the request and of the answer is the last one that gets through, once."""
    seconds = DELAYED_SECONDS if kind is Kind.DELAY else 30.0
    with fault_proxy(running.port) as proxy:
        bytes_in_all = lengths(proxy)[side]

    def try_each(first: int) -> None:
        with fault_proxy(running.port) as proxy:
            for after in range(first, bytes_in_all + 1, THREADS):
                proxy.plan(Fault(kind=kind, side=side, after=after))
                ids.append(submit(proxy.url, seconds=seconds))
                proxy.settle()
            exchanges.append(proxy.exchanges)

    ids: list[str] = []
    exchanges: list[int] = []
    threads = [threading.Thread(target=try_each, args=(first,)) for first in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(ids) == bytes_in_all + 1
    assert set(ids) < set(running.service.tasks)
    assert len(running.service.tasks) == len(set(ids)) + 1 == len(ids) + 1
    if kind is not Kind.DUPLICATE:  # the client's tries; a whole answer or a late one needs none
        assert sum(exchanges) >= 2 * len(ids) - 1
    figures(f"fault proxy: {kind.value} at {len(ids)} bytes of the {side.value}: 1 task each")


THREADS = 4


@pytest.mark.parametrize("side", list(Side))
@pytest.mark.parametrize("kind", [Kind.CUT, Kind.RESET, Kind.UNAVAILABLE])
def test_after_a_crash_the_same_key_finds_the_task_again(
    kind: Kind, side: Side, proxy: FaultProxy, running: Running
) -> None:
    """No try got through in whole; another process submits with the key of the error."""
    bytes_in_all = lengths(proxy)[side]
    for number, after in enumerate(range(0, bytes_in_all, 7)):
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
    sizes = lengths(proxy)
    before = len(running.service.tasks)
    for step in range(0, min(sizes.values()), 11):
        proxy.plan(
            Fault(kind=Kind.CUT, side=Side.ANSWER, after=step),
            Fault(kind=Kind.DUPLICATE, side=Side.REQUEST, after=step),
            Fault(kind=Kind.THROTTLED, side=Side.ANSWER, after=step),
            Fault(kind=Kind.RESET, side=Side.REQUEST, after=sizes[Side.REQUEST]),
        )
        submit(proxy.url)
        proxy.settle()
        before += 1
        assert len(running.service.tasks) == before


def test_the_proxy_can_make_two_tasks_of_submissions_without_a_key(
    proxy: FaultProxy, running: Running
) -> None:
    """What the other tests would show of a client whose tries had different keys."""
    bytes_in_all = lengths(proxy)[Side.ANSWER]
    before = len(running.service.tasks)
    proxy.plan(Fault(kind=Kind.CUT, side=Side.ANSWER, after=bytes_in_all - 1))
    with pytest.raises(ConnectionFailed):
        submit(proxy.url, "first", retries=0)
    submit(proxy.url, "second", retries=0)
    assert len(running.service.tasks) == before + 2
