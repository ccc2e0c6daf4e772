"""The parts' own log lines: one JSON object per line on stdout, like the service's."""

from __future__ import annotations

import datetime as dt
import json
import logging
import sys

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class JsonFormatter(logging.Formatter):
    """Level, time, message, whatever was given as `extra`, and the exception if there is one."""

    def format(self, record: logging.LogRecord) -> str:
        """Write one record as one line."""
        line: dict[str, object] = {
            "level": record.levelname,
            "message": record.getMessage(),
            "timestamp": dt.datetime.fromtimestamp(record.created, dt.UTC).isoformat(),
            "logger": record.name,
        }
        line |= {key: value for key, value in vars(record).items() if key not in _STANDARD}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


def part_logger(name: str) -> logging.Logger:
    """Give a part its logger.

    It does not propagate, so the service's own logging setup cannot repeat its lines.
    """
    logger = logging.getLogger(f"infra.local.{name}")
    if not logger.handlers:
        handler = logging.StreamHandler(sys.stdout)
        handler.setFormatter(JsonFormatter())
        logger.addHandler(handler)
        logger.setLevel(logging.INFO)
        logger.propagate = False
    return logger
