"""`make doctor`: reads a live stage and says what is not as it must be, the worst first."""

from __future__ import annotations

from collections.abc import Sequence

from infra.doctor.finding import REGISTERED, Finding
from infra.doctor.live_stage import Snapshot
from infra.doctor.rules import delivery, functions, stage, throughput  # noqa: F401 - each registers its rules
from infra.stage import StageSpec

RULES = tuple(REGISTERED)


def examine(spec: StageSpec, snapshot: Snapshot) -> list[Finding]:
    """Apply every rule; order the findings by severity, then as the rules stand."""
    findings = [finding for rule in RULES for finding in rule(spec, snapshot)]
    return sorted(findings, key=lambda finding: finding.severity)


def deployed_by(spec: StageSpec, snapshot: Snapshot) -> str:
    """Say which way a stage is deployed."""
    if spec.app_stack in snapshot.stacks:
        return f"by a pipeline, as stack {spec.app_stack}"
    if snapshot.functions["worker"] is None:
        return "not deployed"
    if snapshot.chalice_record:
        return "by `make deploy`, from here"
    return "by `make deploy`, but not from here: .chalice/deployed has no record of it"


def report(spec: StageSpec, snapshot: Snapshot, findings: Sequence[Finding]) -> str:
    """Return what a person reads."""
    lines = [f"stage {spec.stage}: {deployed_by(spec, snapshot)}"]
    lines += [f"  {finding}" for finding in findings]
    lines.append(
        f"{len(findings)} of its settings must be changed"
        if findings
        else f"all of {len(RULES)} rules hold"
    )
    return "\n".join(lines)
