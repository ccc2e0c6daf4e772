"""Doctor's rules for a stage's stated rate, on snapshots of stages that could not carry it."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from chalicelib.entrypoints.worker import WORKERS_MAX
from infra.doctor import checks
from infra.doctor.finding import Finding
from infra.doctor.live_stage import Snapshot
from infra.local.settings import ROOT
from infra.stage import StageSpec, read_configuration, stage_spec

RULES = [rule for rule in checks.RULES if rule.id.startswith("throughput/")]


def snapshot(
    *, workers: int | None = WORKERS_MAX, memory_mb: int = 1_769, account: int = 1_000
) -> Snapshot:
    """Return a stage of which only the worker and its mapping are known; the API has defaults."""
    scaling = {} if workers is None else {"ScalingConfig": {"MaximumConcurrency": workers}}
    nothing: dict[str, Any] = {
        field.name: None if "None" in str(field.type) else {}
        for field in dataclasses.fields(Snapshot)
    }
    functions: dict[str, Any] = {"worker": {"MemorySize": memory_mb}, "api_handler": None}
    known = {"functions": functions, "mappings": [scaling], "account_concurrency": account}
    known["reserved_concurrency"] = {}
    return Snapshot(**{**nothing, **known})


def spec(**changed: Any) -> StageSpec:  # noqa: ANN401 - any field
    """Return the stage `prod` with other numbers."""
    return dataclasses.replace(stage_spec(read_configuration(ROOT), "prod"), **changed)


def found(stage: StageSpec, live: Snapshot) -> list[Finding]:
    """Apply every rule of the rate."""
    return [finding for rule in RULES for finding in rule(stage, live)]


@pytest.mark.parametrize("stage", ["dev", "prod"])
def test_the_stages_as_configured_carry_their_rate(stage: str) -> None:
    """What is shipped contradicts itself nowhere."""
    assert found(stage_spec(read_configuration(ROOT), stage), snapshot()) == []


CONTRADICTIONS = [
    (
        spec(requests_per_second=4_001, requests_burst=9_000),
        snapshot(workers=100, account=10_000),
        "throughput/index-shards",
        "at most 4,000, or more OPEN_SHARDS than 8",
    ),
    (spec(), snapshot(workers=3), "throughput/workers", "at least 4"),
    (spec(), snapshot(workers=4, memory_mb=885), "throughput/workers", "at least 8"),
    (
        spec(requests_burst=100),
        snapshot(),
        "throughput/burst",
        "at least 200 (requests_per_second)",
    ),
    (
        spec(),
        snapshot(account=10),  # a new account's
        "throughput/account-concurrency",
        (
            "at least 505 (workers, API and sweeper at the stage's rate): ask for more in Service"
            " Quotas, or lower WORKERS_MAX, requests_per_second and WAIT_SECONDS_MAX"
        ),
    ),
]


@pytest.mark.parametrize(
    ("stage", "live", "rule", "wanted"),
    CONTRADICTIONS,
    ids=["shards", "workers", "memory", "burst", "account"],
)
def test_a_contradiction_is_named_with_what_would_do(
    stage: StageSpec, live: Snapshot, rule: str, wanted: str
) -> None:
    """One finding each, which says the least or the most."""
    (finding,) = found(stage, live)
    assert (finding.rule, finding.wanted) == (rule, wanted)


def test_every_rule_of_the_rate_is_broken_above() -> None:
    """A rule that finds nothing proves nothing."""
    broken = {rule for _, _, rule, _ in CONTRADICTIONS}
    assert broken == {rule.id for rule in RULES}


def test_a_mapping_without_a_maximum_is_another_rules_matter() -> None:
    """It is not said twice."""
    assert found(spec(), snapshot(workers=None)) == []
