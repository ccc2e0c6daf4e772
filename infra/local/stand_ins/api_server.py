"""One API process: the Chalice app behind a local API Gateway.

`python -m infra.local.stand_ins.api_server NAME DATA_DIR`, with `PORT` in the environment.
"""

from __future__ import annotations

import errno
import os
import signal
import sys
from collections.abc import Mapping

from infra.local.settings import HOST, number_from
from infra.local.stand_ins.api_gateway import Gateway
from infra.local.stand_ins.http_front import ANSWER_SECONDS_MAX
from infra.local.stand_ins.http_server import Server
from infra.local.stand_ins.lambda_runtime.context import function_environment
from infra.local.stand_ins.lambda_runtime.sandbox import load
from infra.local.stand_ins.logs import part_logger

FUNCTION_NAME = "quantum-tasks-local-api"
PORT_TAKEN_EXIT_CODE = 98

logger = part_logger("api")


def main(environment: Mapping[str, str] = os.environ) -> int:
    """Serve until SIGTERM, then finish what is in flight."""
    port = number_from(environment, "PORT", 8000, least=1, most=65535)
    handler = environment.get("API_APP") or "app.app"
    # As on Lambda, the app builds its clients while it is imported, not in the first request.
    os.environ.update(function_environment(FUNCTION_NAME, handler))
    gateway = Gateway(
        load(handler),
        function_name=FUNCTION_NAME,
        timeout_seconds=ANSWER_SECONDS_MAX,
    )
    try:
        server = Server(HOST, port, gateway)
    except OSError as exc:
        logger.error("port %d is taken or barred (PORT): %s", port, exc.strerror)  # noqa: TRY400
        return PORT_TAKEN_EXIT_CODE if exc.errno == errno.EADDRINUSE else 1

    def stop(_number: int, _frame: object) -> None:
        server.stop()

    signal.signal(signal.SIGTERM, stop)
    logger.info("listening on http://%s:%d", HOST, port)
    server.serve_until_stopped()
    if server.front.cut_off:
        logger.warning("%d requests were cut off", server.front.cut_off)
        os._exit(0)  # their threads would be waited for
    logger.info("stopped")
    return 0


if __name__ == "__main__":
    sys.exit(main())
