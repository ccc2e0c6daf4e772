"""Rules for the three functions: what they run, and with which settings."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from importlib import resources
from typing import Final

from chalicelib.composition import BATCH_BEGIN_SECONDS_MAX, LIST_BEGIN_SECONDS_MAX
from chalicelib.domain.payloads import PIECES_SECONDS_MAX
from chalicelib.domain.validation import VALIDATION_SECONDS_MAX
from chalicelib.settings import InvalidSetting, Settings
from infra.doctor.finding import Finding, Severity, rule
from infra.doctor.live_stage import Snapshot
from infra.doctor.rules.delivery import settings_of, variables_of
from infra.package.template import LOCATIONS
from infra.stage import StageSpec

#: Variables that a function has besides those of `.chalice/config.json`.
_ADDED_BY_DEPLOYMENT: Final = frozenset({"PARTIAL_BATCH_RESPONSES", *LOCATIONS})


#: API Gateway's longest ("Quotas for configuring and running a REST API").
GATEWAY_SECONDS_MAX: Final = 29


@rule("functions/configuration")
def functions_are_as_configured(spec: StageSpec, snapshot: Snapshot) -> Iterator[Finding]:
    """Time, memory and variables are those of `.chalice/config.json` and the stacks' outputs."""
    for name, function in snapshot.functions.items():
        if function is None:
            continue
        wanted = spec.functions[name]
        for setting, value, expected in (
            ("Timeout", function["Timeout"], wanted.timeout_seconds),
            ("MemorySize", function["MemorySize"], wanted.memory_mb),
        ):
            if value != expected:
                yield Finding(
                    setting=f"the {setting} of {name}",
                    value=value,
                    wanted=expected,
                    why="it was changed by hand; .chalice/config.json says otherwise",
                )
        yield from _variables(name, variables_of(function), wanted.environment, snapshot.outputs)


def _variables(
    name: str,
    found: Mapping[str, str],
    configured: Mapping[str, str],
    outputs: Mapping[str, str],
) -> Iterator[Finding]:
    # A function that is not told finds both by the stage's name, as after `chalice deploy`.
    located = {
        variable: outputs[output]
        for variable, output in LOCATIONS.items()
        if variable in found and output in outputs
    }
    expected = {**configured, **located}
    for variable, value in expected.items():
        if found.get(variable) != value:
            is_stage = variable == "STAGE"
            yield Finding(
                severity=Severity.DANGEROUS if is_stage else Severity.WRONG,
                setting=f"{variable} of {name}",
                value=found.get(variable, "not set"),
                wanted=value,
                why="any caller would own all tasks"
                if is_stage
                else "the function does something else than is configured",
            )
    for variable in sorted(set(found) - set(expected) - _ADDED_BY_DEPLOYMENT):
        yield Finding(
            setting=f"{variable} of {name}",
            value=found[variable],
            wanted="not set",
            why="it is not in .chalice/config.json, and the next deployment removes it",
        )
    try:
        Settings.from_environment(found)
    except InvalidSetting as exc:
        yield Finding(
            setting=f"the environment of {name}",
            value=str(exc),
            wanted="settings that the service can read",
            why="every invocation fails",
        )


@rule("functions/api-timeout")
def every_call_fits_its_invocation(spec: StageSpec, snapshot: Snapshot) -> Iterator[Finding]:
    """The API has time for its longest call at its slowest, and ends before the gateway does."""
    api = snapshot.functions["api_handler"]
    if api is None:
        return
    least = math.ceil(api_seconds_max(settings_of(api)))
    if not least <= api["Timeout"] < GATEWAY_SECONDS_MAX:
        yield Finding(
            setting="the API's Timeout",
            value=api["Timeout"],
            wanted=f"at least {least} (a batch's last member with its pieces, put, sent and taken"
            f" back; a validation; a list's last read), and less than {GATEWAY_SECONDS_MAX}, when"
            " the gateway's time is over",
            why="a call that takes long would end without saying whether its tasks are kept",
        )


def api_seconds_max(settings: Settings) -> float:
    """Return the longest that a submitting, validating or listing call may take, in seconds.

    A submission looks its key up, puts its pieces, puts the task, sends its message, and takes the
    task back: three calls of the database and one of the queue, and the pieces.
    """
    submission = (
        PIECES_SECONDS_MAX
        + 3 * settings.database_call_seconds_max
        + settings.queue_call_seconds_max
    )
    # A child is asked for as long as that, and one that overran is ended and waited for.
    validation = 2 * VALIDATION_SECONDS_MAX
    listing = LIST_BEGIN_SECONDS_MAX + settings.database_call_seconds_max
    return max(BATCH_BEGIN_SECONDS_MAX + submission, validation, listing)


@rule("functions/same-build")
def functions_run_the_same_code(spec: StageSpec, snapshot: Snapshot) -> Iterator[Finding]:
    """API, worker and sweeper are of one build, and no update of theirs is half done."""
    functions = {name: f for name, f in snapshot.functions.items() if f is not None}
    builds = {name: function["CodeSha256"] for name, function in functions.items()}
    if len(set(builds.values())) > 1:
        yield Finding(
            setting="the functions' CodeSha256",
            value=builds,
            wanted="the same for all",
            why="a deployment has stopped half-way; run it again",
        )
    for name, function in functions.items():
        state = (function.get("State", "Active"), function.get("LastUpdateStatus", "Successful"))
        if state != ("Active", "Successful"):
            yield Finding(
                setting=f"the state of {name}",
                value=state,
                wanted=("Active", "Successful"),
                why="its last change is under way or has failed; look again, or ask Lambda why",
            )


@rule("functions/runtime-support")
def runtimes_are_supported(spec: StageSpec, snapshot: Snapshot) -> Iterator[Finding]:
    """AWS still updates the functions' Python."""
    today = datetime.now(UTC).date()
    for name, function in snapshot.functions.items():
        if function is None:
            continue
        end = supported_until(function["Runtime"])
        if end is None or end <= today:
            yield Finding(
                setting=f"the Runtime of {name}",
                value=function["Runtime"],
                wanted="one that AWS supports",
                why=f"its support ended on {end}" if end else "AWS does not list it",
            )


def supported_until(runtime: str) -> date | None:
    """Return when AWS deprecates a runtime, as the pinned cfn-lint knows it; None if it does not.

    Source: "Lambda runtimes", Lambda guide, which cfn-lint's releases follow.
    """
    table = resources.files("cfnlint.data.AdditionalSpecs") / "LmbdRuntimeLifecycle.json"
    lifecycle = json.loads(table.read_text()).get(runtime)
    return None if lifecycle is None else date.fromisoformat(lifecycle["deprecated"])
