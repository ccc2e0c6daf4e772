"""`POST /validations`: mistakes with their places, before anything is paid for.

Hostile texts are bounded by the processor time of a child, and no wall time is asserted: a busy
machine gives a child less of the processor, never more.
"""

from __future__ import annotations

import os
import resource

import psutil
import pytest
from msgspec import structs

from chalicelib import composition
from chalicelib.domain.validation import VALIDATION_SECONDS_MAX
from chalicelib.executors.children.grants import READING_BYTES_MAX
from chalicelib.executors.validation import LIMITS, ChildValidator
from tests.functional.conftest import Answer, Api, Logged
from tests.support.circuits import H3, KNOWN
from tests.support.evidence import FULL
from tests.support.hostile_circuits import HOSTILE
from tests.support.jobs import recorded_jobs

HEAD = 'OPENQASM 3.0;\ninclude "stdgates.inc";\n'
GOOD = HEAD + "qubit q; bit c; c = measure q;"
#: What a child may have used before the kernel, which counts whole seconds, ends it.
USED_SECONDS_MAX = VALIDATION_SECONDS_MAX + 1
#: No statement of it is plain: one to two seconds of the processor.
LONG = H3 + "qubit[2] q;\nbit[2] c;\n" + "rx(1 + 1) q[0];\n" * 9_000 + "c = measure q;\n"


def places_of(answer: Answer) -> list[tuple[int | None, int | None]]:
    """Return the places of the errors."""
    assert answer.status == 200, answer.body
    return [(f["line"], f["column"]) for f in answer.body["findings"] if f["severity"] == "error"]


def test_a_good_circuit_is_valid_with_registers_and_cost(api: Api) -> None:
    """No task is made."""
    answer = api.validate(HEAD + "qubit[2] q;\nbit[2] c;\nh q[0];\ncx q[0], q[1];\nc = measure q;")
    assert answer.status == 200
    assert answer.body["valid"] is True
    assert answer.body["findings"] == []
    assert answer.body["registers"] == [{"name": "c", "size": 2}]
    assert answer.body["qubits"] == 2
    assert answer.body["estimate"]["fits"] is True
    assert answer.body["estimate"]["gates"] == 2
    assert (api.items(), api.messages()) == ([], 0)


def test_what_does_not_fit_is_said(api: Api) -> None:
    """It may run all the same, where it falls apart."""
    answer = api.validate(HEAD + "qubit[60] q;\nbit[60] c;\nh q;\nc = measure q;")
    assert answer.body["valid"] is True
    assert answer.body["estimate"] == {
        "gates": 60,
        "memory_bytes": None,
        "seconds": None,
        "fits": False,
    }


#: A mistake, and the line and column where it is.
MISTAKES = [
    ("qubit q;\nbit c;\nc = measure r;", (5, 13)),
    ("qubit q;\nqubit q;\nbit c;\nc = measure q;", (4, 7)),
    ("qubit q;\nbit[2] c;\nc[2] = measure q;", (5, 3)),
    ("qubit q;\nbit c;\nrx q;\nc = measure q;", (5, 1)),
    ("qubit q;\nbit c;\nrx(1, 2) q;\nc = measure q;", (5, 1)),
    ("qubit q;\nbit c;\nh q, q;\nc = measure q;", (5, 6)),
    ("qubit[2] q;\nbit c;\ncx q[0];\nc = measure q[0];", (5, 1)),
    ("qubit q;\nbit c;\nconst int n = m;\nc = measure q;", (5, 15)),
    ("qubit q;\nbit c;\nfor int i in [0:2] { x p; }\nc = measure q;", (5, 24)),
    ("qubit q;\nbit c;\nif (d == 1) { x q; }\nc = measure q;", (5, 5)),
    ("qubit q;\nbit c;\nc = measure q;\n}", (6, 1)),
    ("qubit q;\nbit c;\nc = measure q;\nh q[", (6, 4)),
    ("qubit[3] q;\nbit[2] c;\nc = measure q;", (5, 1)),
    ("qubit[2] q;\nbit c;\nlet a = q[0:3];\nx a;\nc = measure q[0];", (5, 11)),
    ("qubit q;\nbit c;\ngate g a { h b; }\ng q;\nc = measure q;", (5, 14)),
    ("qubit q;\nbit c;\ndef f(qubit a) -> bit { return measure b; }\nc = f(q);", (5, 40)),
    ("qubit[2] q;\nbit c;\nfor int i in [0:1] { cx q[i], q[1]; }\nc = measure q[0];", (5, 31)),
    ("qubit[2] q;\nbit c;\nhh q[0];\nc = measure q[0];", (5, 1)),
    ("qubit[2] q;\nbit c;\nh q[2];\nc = measure q[0];", (5, 5)),
    ("qubit[2] q;\nbit c;\nh q[0]\nc = measure q[0];", (6, 1)),
    ("qubit[2] q;\nbit c;\ncx q[0], q[0];\nc = measure q[0];", (5, 10)),
    ("qubit[2] q;\nbit c;\nx r;\nc = measure q[0];", (5, 3)),
]


def test_a_mistake_is_named_with_line_and_column(api: Api) -> None:
    """Both count from 1; the header takes the first two lines."""
    for body, place in MISTAKES:
        answer = api.validate(HEAD + body)
        assert answer.body["valid"] is False
        assert place in places_of(answer), body


def test_every_circuit_that_runs_is_valid(api: Api) -> None:
    """Odd but legal spellings too."""
    refused = {
        known.name: answer.body["findings"]
        for known in KNOWN
        if not (answer := api.validate(known.text)).body["valid"]
    }
    assert refused == {}


def test_a_circuit_that_measures_nothing_is_not_valid(api: Api) -> None:
    """There would be nothing to count; it has no place."""
    answer = api.validate(HEAD + "qubit q;\nh q;")
    assert places_of(answer) == [(None, None)]


def used_by_children() -> float:
    """Return the processor time of all children of this process, those that were ended too."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = ended.ru_utime + ended.ru_stime
    for child in psutil.Process(os.getpid()).children():
        times = child.cpu_times()
        used += times.user + times.system
    return used


#: Of each way in which a text is bounded one; `make prove` sends all.
TEXTS = (
    HOSTILE
    if FULL
    else {
        n: HOSTILE[n] for n in ("a thousand million bits", "aliases that double", "deep brackets")
    }
)


def test_each_hostile_text_takes_no_more_of_the_processor_than_it_may(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each child is told its limits with the text, and each text is answered."""
    jobs = recorded_jobs(monkeypatch)
    for name, text in TEXTS.items():
        assert api.validate(GOOD).body["valid"] is True  # a child is ready then
        before = used_by_children()
        answer = api.validate(text)
        assert answer.status == 200, name
        assert answer.body["findings"] or answer.body["valid"], name
        assert len(str(answer.body)) < 20_000
        assert used_by_children() - before <= USED_SECONDS_MAX, name
    assert len(jobs) == 2 * len(TEXTS)
    assert {job.processor_seconds_max for job in jobs} == {VALIDATION_SECONDS_MAX}
    assert {job.memory_bytes_max for job in jobs} == {READING_BYTES_MAX}
    assert all(job.time_limit_seconds <= VALIDATION_SECONDS_MAX for job in jobs)


def test_a_text_that_needs_more_of_the_processor_is_ended_for_it(api: Api, logged: Logged) -> None:
    """With a limit that it passes and a wall that it does not; the next text finds a child."""
    service = composition.get_service()
    validator = ChildValidator(
        service.settings,
        service.ports.observer,
        limits=structs.replace(LIMITS, processor_seconds_max=0.3),
        seconds_max=120,
    )
    ports = structs.replace(service.ports, validator=validator)
    composition.override_service(composition.build(service.settings, ports))
    answer = api.validate(LONG)
    assert (answer.status, answer.body["complete"]) == (200, False)
    (finding,) = answer.body["findings"]
    assert finding["severity"] == "warning"
    assert "was not analysed completely" in finding["message"]
    (told,) = [line for line in logged() if line.get("operation") == "validate a circuit"]
    assert "needs more than the 0.3 s of processor time" in told["message"]
    assert api.validate(GOOD).body["valid"] is True
