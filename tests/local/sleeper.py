"""A process that ends only when it is asked to."""

import signal

signal.signal(signal.SIGTERM, signal.default_int_handler)
try:
    signal.pause()
except KeyboardInterrupt:
    raise SystemExit(0) from None
