"""What a child prints is read as long as it comes, and is not waited for."""

from __future__ import annotations

import os
import sys
import time

import pytest

from chalicelib.errors import TransientExecutionError
from tests.pool.conftest import PATIENCE_SECONDS, MakeChild, request_for


@pytest.mark.skipif(sys.platform != "linux", reason="opens a process's pipe by /proc")
def test_a_pipe_that_another_process_holds_open_does_not_hold_up_the_end(
    make_child: MakeChild,
) -> None:
    """The child has ended, so what it printed last is there; the pipe may never be closed."""
    child = make_child()
    deadline = time.monotonic() + PATIENCE_SECONDS
    child.run(request_for("quick"), deadline=deadline, seconds_max=1)
    held = os.open(f"/proc/{child.pid}/fd/2", os.O_WRONLY)
    with pytest.raises(TransientExecutionError, match="ended with exit code 3"):
        child.run(request_for("leave 3"), deadline=deadline, seconds_max=1)
    os.write(held, b"still open")
    os.close(held)
