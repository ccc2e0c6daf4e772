"""Which executors there are, and what an amplitude takes. A new one gets its record here."""

# Without `from __future__ import annotations`, as `settings`, which each start of a function reads.

import importlib
from collections.abc import Mapping
from typing import Any, Final, Literal

import msgspec

#: What the setting `EXECUTOR` may be.
Name = Literal["simulator", "mock"]


class Registered(msgspec.Struct, frozen=True, kw_only=True):
    """One executor: how it is made, and where it runs.

    One whose work is not harmless, whatever the text, runs in a child process, and only the child
    imports it. Its factory takes nothing: what it has to know is in the environment of its process.
    A factory of one that runs in the worker's own process takes the settings.
    """

    #: `package.module:attribute`.
    factory: str
    in_child: bool


#: Of memory for one amplitude: two floats of 8 bytes, and its probability for sampling.
AMPLITUDE_BYTES: Final = 24

EXECUTORS: Final[Mapping[Name, Registered]] = {
    "simulator": Registered(factory="chalicelib.executors.simulator:build", in_child=True),
    "mock": Registered(factory="chalicelib.executors.mock:MockExecutor", in_child=False),
}


def imported(path: str) -> Any:  # noqa: ANN401 - whatever it names
    """Import `package.module:attribute`."""
    module, _, attribute = path.partition(":")
    return getattr(importlib.import_module(module), attribute)
