"""How a line is written: what is short in it, what is left out, and where it says all."""

from __future__ import annotations

import contextlib
import json
import logging
import sys
import time
from typing import Any

import pytest

from chalicelib.adapters import telemetry
from chalicelib.adapters.log_lines import metrics_document, metrics_line
from chalicelib.domain.task import TaskStatus
from tests.support.in_memory import T0
from tests.support.logged import logged_lines

#: Of a line in full: where it was said, and whose it is.
IN_FULL = {"location", "service"}


def written(level: int = logging.INFO, *, exc_info: Any = None, **extra: Any) -> dict[str, Any]:  # noqa: ANN401
    """Return the line of a record, parsed."""
    record = logging.LogRecord("name", level, "path", 7, "said %s", ("so",), exc_info)
    record.created = T0.timestamp() + 0.0015
    record.__dict__.update(extra)
    line: dict[str, Any] = json.loads(telemetry.logger.registered_formatter.format(record))
    return line


@pytest.mark.parametrize("level", [logging.DEBUG, logging.INFO])
def test_a_line_up_to_info_has_its_fields_and_no_others(level: int) -> None:
    """What is None is left out; 0 and an empty text are said; times are cut to milliseconds."""
    line = written(level, task_id="t", attempt=0, notes=None, text="", status=TaskStatus.FAILED)
    assert line == {
        "level": logging.getLevelName(level),
        "message": "said so",
        "timestamp": "2026-01-01T12:00:00.001Z",
        "task_id": "t",
        "attempt": 0,
        "text": "",
        "status": "failed",
    }
    assert list(line)[:3] == ["level", "message", "timestamp"]


def test_a_metrics_document_comes_first() -> None:
    """Where it is looked for."""
    document = metrics_document("N", {"stage": "dev"}, {"swept": 1})
    line = written(task_id="t", **document)
    assert list(line)[:2] == ["_aws", "level"]
    assert (line["stage"], line["swept"], line["task_id"]) == ("dev", 1, "t")


@pytest.mark.parametrize("level", [logging.WARNING, logging.ERROR])
def test_a_line_past_info_is_written_in_full(level: int) -> None:
    """Where in the code it was said, and by which service."""
    line = written(level, task_id="t")
    assert set(line) >= IN_FULL
    assert (line["message"], line["task_id"], line["service"]) == ("said so", "t", "quantum-tasks")
    assert not IN_FULL & set(written())


def test_so_is_one_with_a_stack_trace() -> None:
    """Whatever its level."""
    try:
        raise KeyError("x")  # noqa: TRY301 - for its trace
    except KeyError:
        line = written(exc_info=sys.exc_info())
    assert set(line) >= IN_FULL
    assert line["exception_name"] == "KeyError"


def test_what_is_no_json_is_written_as_text() -> None:
    """A line is never lost for what is in it."""
    assert written(at=Words())["at"] == "in words"


class Words:
    """Is no JSON."""

    def __str__(self) -> str:
        """Return words."""
        return "in words"


def test_metrics_are_a_document_of_the_embedded_metric_format() -> None:
    """What ends in `_ms` is in milliseconds, the others count; the time is in milliseconds."""
    before = time.time() * 1000 - 1
    document = metrics_document("N", {"stage": "dev", "service": "s"}, {"swept": 2, "wait_ms": 1.5})
    assert before <= document["_aws"]["Timestamp"] <= time.time() * 1000
    assert isinstance(document["_aws"].pop("Timestamp"), int)
    assert document == {
        "_aws": {
            "CloudWatchMetrics": [
                {
                    "Namespace": "N",
                    "Dimensions": [["stage", "service"]],
                    "Metrics": [{"Name": "swept"}, {"Name": "wait_ms", "Unit": "Milliseconds"}],
                }
            ]
        },
        "stage": "dev",
        "service": "s",
        "swept": 2,
        "wait_ms": 1.5,
    }
    assert json.loads(metrics_line(document)) == document


def test_the_context_of_a_block_is_on_its_lines_and_on_no_others() -> None:
    """Also where the block ends with an error."""
    with logged_lines() as lines:
        telemetry.logger.info("before")
        with contextlib.suppress(KeyError), telemetry.log_context(task_id="t", correlation_id="c"):
            telemetry.logger.info("inside")
            raise KeyError
        telemetry.logger.info("after")
    before, inside, after = lines()
    assert (inside["task_id"], inside["correlation_id"]) == ("t", "c")
    assert not {"task_id", "correlation_id"} & (set(before) | set(after))
