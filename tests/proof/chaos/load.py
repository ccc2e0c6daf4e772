"""The clients: they submit, retry as truthfully as they are answered, cancel a few, and watch."""

from __future__ import annotations

import http.client
import itertools
import random
import threading
import time
from collections.abc import Iterator, Sequence
from typing import Final

from tests.acceptance.tasks import TERMINAL
from tests.proof.chaos.ledger import Answer, Ledger, Submission
from tests.support.busy_circuits import dense, hungry
from tools.http_client import Http, Reply
from tools.local_stage import BELL_STATE

CLIENTS: Final = 8
#: A burst fills a worker's batch, so that a worker that dies in it leaves many behind.
_BURST_TASKS: Final = CLIENTS
#: A client gives up this long after its first try; no process stays away for so long.
PATIENCE_SECONDS: Final = 60.0
_KEYED_RATE: Final = 0.5
_CANCEL_RATE: Final = 0.05
_RETRY_SECONDS: Final = (0.1, 0.6)
#: Most circuits are Bells. Some take a simulating worker's child half a second, so that it can be
#: killed in the middle, and a few take more memory than it may have.
_EVERY_SLOW: Final = 5
_EVERY_HUNGRY: Final = 17
_SLOW: Final = (20, 30)
_WATCH_SECONDS: Final = 0.05
#: In addition to what the service itself waits for.
_ANSWER_SECONDS_MAX: Final = 30.0


class Load:
    """So many tasks, spread over a time, in bursts, and over the API processes."""

    def __init__(
        self, ports: Sequence[int], ledger: Ledger, *, seed: int, tasks: int, seconds: float
    ) -> None:
        """Take where to send, where to write down what was answered, and how much of it."""
        self._ports = ports
        self._ledger = ledger
        self._seed = seed
        self._tasks = tasks
        self._seconds = seconds
        self._numbers = itertools.count()
        self._started = time.monotonic()
        self._idle = threading.Event()

    def run_client(self) -> None:
        """Submit what is due until all has been; several threads do it at the same time."""
        connection = _Connection(self._ports)
        for number in self._my_numbers():
            rng = random.Random(f"{self._seed} {number}")  # noqa: S311 - repeatable
            task_id = self._submit(connection, number, rng)
            if task_id is not None and rng.random() < _CANCEL_RATE:
                self._idle.wait(rng.uniform(0, 1))
                self._cancel(connection, task_id)
        connection.close()

    def watch(self, stopping: threading.Event) -> None:
        """Read accepted tasks at random and write down how they ended: that never changes."""
        connection = _Connection(self._ports)
        rng = random.Random(f"{self._seed} watch")  # noqa: S311 - repeatable
        while not stopping.wait(_WATCH_SECONDS):
            accepted = self._ledger.accepted()
            if not accepted:
                continue
            task_id = rng.choice(accepted)
            reply = connection.send("GET", f"/tasks/{task_id}")
            if reply is None or reply.status == http.client.SERVICE_UNAVAILABLE:
                continue
            if reply.status != http.client.OK:
                self._complain(f"{task_id}: read while it runs: {reply}")
            elif reply.json["status"] in TERMINAL:
                before = self._ledger.ended.setdefault(task_id, reply.body)
                if before != reply.body:
                    self._complain(f"{task_id}: has changed after its end")
        connection.close()

    def _complain(self, what: str) -> None:
        """Say it once, however often it is seen."""
        if what not in self._ledger.complaints:
            self._ledger.complaints.append(what)

    def _my_numbers(self) -> Iterator[int]:
        for number in self._numbers:
            if number >= self._tasks:
                return
            burst = number - number % _BURST_TASKS
            due = self._started + self._seconds * burst / self._tasks
            self._idle.wait(max(0.0, due - time.monotonic()))
            yield number

    def _submit(self, connection: _Connection, number: int, rng: random.Random) -> str | None:
        """Submit until accepted or told that it was kept. Return the id of an accepted task."""
        keyed = rng.random() < _KEYED_RATE
        deadline = time.monotonic() + PATIENCE_SECONDS
        for attempt in itertools.count(1):
            # Without a key every try is a submission of its own, and its payload shows it.
            name = f"{number}" if keyed else f"{number}.{attempt}"
            made = self._post(connection, name, keyed=keyed)
            self._ledger.submissions.append(made)
            if made.answer is Answer.ACCEPTED:
                return made.task_id
            kept = made.answer in {Answer.KEPT_YES, Answer.KEPT_UNKNOWN}
            if made.answer is Answer.WRONG or (kept and not keyed):
                return None
            if time.monotonic() > deadline:
                self._complain(f"submission {name}: never accepted, {made}")
                return None
            self._idle.wait(rng.uniform(*_RETRY_SECONDS))
        raise AssertionError

    def _post(self, connection: _Connection, name: str, *, keyed: bool) -> Submission:
        circuit = circuit_of(int(name.partition(".")[0]))
        document = {"circuit": f"{circuit}// {name}\n", "shots": 100, "tags": {"name": name}}
        headers = {"X-Correlation-ID": correlation_id(name)}
        if keyed:
            headers["Idempotency-Key"] = f"key-{name}"
        try:
            reply = connection.post("/tasks", document, headers)
        except ConnectionRefusedError:
            return Submission(name=name, keyed=keyed, answer=Answer.NOT_CONNECTED, task_id=None)
        if reply is None:
            return Submission(name=name, keyed=keyed, answer=Answer.NO_ANSWER, task_id=None)
        return _told(name, reply, keyed=keyed)

    def _cancel(self, connection: _Connection, task_id: str) -> None:
        reply = connection.send("POST", f"/tasks/{task_id}/cancel")
        if reply is not None:
            self._ledger.cancels[task_id] = reply.status


def circuit_of(number: int) -> str:
    """Give the circuit of a submission."""
    if number % _EVERY_HUNGRY == _EVERY_HUNGRY - 1:
        return hungry()
    return dense(*_SLOW) if number % _EVERY_SLOW == _EVERY_SLOW - 1 else BELL_STATE


def correlation_id(name: str) -> str:
    """Mark a submission so that it is known in the logs, also where it got no id."""
    return f"chaos-{name}"


def _told(name: str, reply: Reply, *, keyed: bool) -> Submission:
    document = reply.json if reply.body.startswith(b"{") else {}
    answer, task_id = Answer.WRONG, document.get("task_id")
    if reply.status == http.client.ACCEPTED and task_id:
        answer = Answer.ACCEPTED
    elif reply.status == http.client.SERVICE_UNAVAILABLE:
        match document.get("kept"), task_id:
            case "no", None if not keyed:
                answer = Answer.KEPT_NO
            case "yes", str():
                answer = Answer.KEPT_YES
            case "unknown", str():
                answer = Answer.KEPT_UNKNOWN
            case _:
                pass
    return Submission(name=name, keyed=keyed, answer=answer, task_id=task_id, detail=str(reply))


class _Connection:
    """A client's connections, one to each API process, which take turns."""

    def __init__(self, ports: Sequence[int]) -> None:
        self._turns = itertools.cycle([Http(port, _ANSWER_SECONDS_MAX) for port in ports])
        self._clients = len(ports)

    def send(self, method: str, path: str) -> Reply | None:
        """Send a request without a body; None if there was no answer."""
        try:
            return next(self._turns).send(method, path)
        except (OSError, http.client.HTTPException):
            return None

    def post(self, path: str, document: object, headers: dict[str, str]) -> Reply | None:
        """Send a document; None if there was no answer.

        Raises:
            ConnectionRefusedError: nothing listened, so nothing was sent.
        """
        try:
            return next(self._turns).post(path, document, headers)
        except (OSError, http.client.HTTPException) as exc:
            if isinstance(exc, ConnectionRefusedError):
                raise
            return None

    def close(self) -> None:
        """Let the connections go."""
        for _ in range(self._clients):
            next(self._turns).close()
