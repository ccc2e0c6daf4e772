"""Which backend is meant: what the environment names, or else the local stage that runs here."""

from __future__ import annotations

import os

from infra.local.settings import Settings
from infra.local.supervisor.environment import (
    load_backend,
    process_environment,
    replace_environment,
)


def find_backend() -> None:
    """Set the variables of the local stage, dummy credentials included, unless they name another.

    Raises:
        NotRunning, InvalidSetting: there is no local stage, or its settings cannot be read.
    """
    if os.environ.get("TASKS_TABLE_NAME"):
        return
    replace_environment(process_environment(load_backend(Settings.from_environment())))
