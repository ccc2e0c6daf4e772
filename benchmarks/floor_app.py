"""The least code behind the local stage's server, in place of the service: `API_APP`."""

from __future__ import annotations

import os

from benchmarks.floor import Floor

app = Floor(
    table=os.environ["TASKS_TABLE_NAME"],
    queue_url=os.environ["TASKS_QUEUE_URL"],
).app
