"""Hostile texts through `POST /validations`: bounded by the processor time of a child, not by luck.

No wall time is asserted: a busy machine gives a child less of the processor, never more.
"""

from __future__ import annotations

import os
import resource

import psutil
import pytest
from msgspec import structs

from chalicelib import composition
from chalicelib.domain.validation import VALIDATION_SECONDS_MAX
from chalicelib.executors.validation import LIMITS, MEMORY_MB_MAX, ChildValidator
from tests.functional.conftest import Api, Logged
from tests.functional.test_validations import HEAD, validate
from tests.support.circuits import H3
from tests.support.hostile_circuits import HOSTILE
from tests.support.jobs import recorded_jobs

GOOD = HEAD + "qubit q; bit c; c = measure q;"
#: What a child may have used before the kernel, which counts whole seconds, ends it.
USED_SECONDS_MAX = VALIDATION_SECONDS_MAX + 1
#: No statement of it is plain: one to two seconds of the processor.
LONG = H3 + "qubit[2] q;\nbit[2] c;\n" + "rx(1 + 1) q[0];\n" * 9_000 + "c = measure q;\n"


def used_by_children() -> float:
    """Return the processor time of all children of this process, those that were ended too."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = ended.ru_utime + ended.ru_stime
    for child in psutil.Process(os.getpid()).children():
        times = child.cpu_times()
        used += times.user + times.system
    return used


def test_each_hostile_text_takes_no_more_of_the_processor_than_it_may(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each child is told its limits with the text, and each text is answered."""
    jobs = recorded_jobs(monkeypatch)
    for name, text in HOSTILE.items():
        assert validate(api, GOOD).body["valid"] is True  # a child is ready then
        before = used_by_children()
        answer = validate(api, text)
        assert answer.status == 200, name
        assert answer.body["findings"] or answer.body["valid"], name
        assert used_by_children() - before <= USED_SECONDS_MAX, name
    assert len(jobs) == 2 * len(HOSTILE)
    assert {job.processor_seconds_max for job in jobs} == {VALIDATION_SECONDS_MAX}
    assert {job.memory_bytes_max for job in jobs} == {MEMORY_MB_MAX << 20}
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
    answer = validate(api, LONG)
    assert (answer.status, answer.body["valid"]) == (200, True)
    (finding,) = answer.body["findings"]
    assert finding["severity"] == "warning"
    assert "was not analysed completely" in finding["message"]
    (told,) = [line for line in logged() if line.get("operation") == "validate a circuit"]
    assert "needs more than the 0.3 s of processor time" in told["message"]
    assert validate(api, GOOD).body["valid"] is True
