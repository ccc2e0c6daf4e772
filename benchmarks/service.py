"""The service on a stubbed AWS, which answers in this process."""

from __future__ import annotations

import os

from chalicelib import composition
from chalicelib.composition import Service
from chalicelib.settings import Settings


def built_service() -> Service:
    """Build this process's service from its environment, and use it from now on.

    Not `get_service`: on the local stage that refuses AWS's own endpoints, which are what a stub
    in this process answers.
    """
    settings = Settings.from_environment(os.environ)
    service = composition.build(settings, composition.build_ports(settings))
    composition.override_service(service)
    return service
