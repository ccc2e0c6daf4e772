"""What a validation says when its child gave none."""

from __future__ import annotations

import pytest

from chalicelib.domain.validation import Severity
from chalicelib.executors import validation
from chalicelib.executors.validation import ChildValidator
from chalicelib.settings import Settings
from tests.pool.conftest import request_for
from tests.support.fakes import RecordingObserver


@pytest.mark.parametrize(
    ("behaviour", "valid", "severity", "said", "told"),
    [
        ("refuse", False, Severity.ERROR, "line 1: no such gate", 0),
        ("try_later", True, Severity.WARNING, "more than 2 s or 256 MB to analyse; when it", 1),
        ("fill_memory", True, Severity.WARNING, "was not analysed completely", 1),
    ],
)
def test_what_a_validation_cannot_tell_is_a_finding(
    monkeypatch: pytest.MonkeyPatch,
    behaviour: str,
    valid: bool,  # noqa: FBT001
    severity: Severity,
    said: str,
    told: int,
) -> None:
    """A refusal is the circuit's error; a bound or a fault is a warning, and is reported."""
    monkeypatch.setattr(validation, "_FACTORY", "tests.pool.factories:build")
    observer = RecordingObserver()
    validator = ChildValidator(Settings(), observer, seconds_max=60)
    found = validator.validate(request_for(behaviour))
    validator._pool.close()  # noqa: SLF001 - the service's lives as long as its process
    (finding,) = found.findings
    assert (found.valid, finding.severity) == (valid, severity)
    assert said in finding.message
    assert [operation for operation, _ in observer.problems] == ["validate a circuit"] * told
