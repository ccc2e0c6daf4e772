"""Ways to change one setting in what was read of a good stage."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Mapping
from typing import Any

from infra.doctor.live_stage import Snapshot

#: Returns a stage with something changed.
Change = Callable[[Snapshot], Snapshot]


def changed(part: str, change: Callable[[Any], Any]) -> Change:
    """Change one part of what was read."""
    return lambda s: dataclasses.replace(s, **{part: change(getattr(s, part))})


def without(mapping: Any, key: str) -> dict[str, Any]:  # noqa: ANN401 - any mapping
    """Return a copy of a mapping without one key."""
    return {name: value for name, value in mapping.items() if name != key}


def mapping(**changes: Any) -> Change:  # noqa: ANN401
    """Change the worker's event source mapping."""
    return changed("mappings", lambda found: [{**found[0], **changes}])


def queue(**attributes: str) -> Change:
    """Change attributes of the queue."""
    return changed("queue", lambda found: {**found, **attributes})


def dead_letters(**attributes: str) -> Change:
    """Change attributes of the dead-letter queue."""
    return changed("dead_letter_queue", lambda found: {**found, **attributes})


def table(**changes: Any) -> Change:  # noqa: ANN401
    """Change the table."""
    return changed("table", lambda found: {**found, **changes})


def function(name: str, **changes: Any) -> Change:  # noqa: ANN401
    """Change a function's configuration."""
    return changed("functions", lambda found: {**found, name: {**found[name], **changes}})


def variable(name: str, variable: str, value: str | None) -> Change:
    """Change a variable of a function, or remove it."""

    def change(found: Any) -> object:  # noqa: ANN401
        kept = without(found[name]["Environment"]["Variables"], variable)
        new = kept if value is None else kept | {variable: value}
        return {**found, name: {**found[name], "Environment": {"Variables": new}}}

    return changed("functions", change)


def both(*changes: Change) -> Change:
    """Change several things."""
    return lambda s: functools.reduce(lambda so_far, change: change(so_far), changes, s)


def api_stage(key: str, change: Callable[[Any], object]) -> Change:
    """Change a setting of the API's stage."""
    return changed("api_stage", lambda found: {**found, key: change(found[key])})


def own_rate(method: str, **limits: float) -> Callable[[Any], object]:
    """Change a method's own limits."""

    def change(found: Mapping[str, Any]) -> object:
        (key,) = [key for key in found if key.endswith(method)]
        return {**found, key: {**found[key], **limits}}

    return change
