"""Doctor finds nothing on a good stage, and names each setting that was corrupted."""

from __future__ import annotations

import dataclasses
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import pytest

from infra.aws import Aws
from infra.doctor.checks import RULES, deployed_by, examine, report
from infra.doctor.finding import Rule
from infra.doctor.live_stage import Snapshot, read_snapshot
from infra.doctor.rules import functions, stage
from infra.local.settings import ROOT
from tests.deploy.breakages import FOUND, changed_by_hand, no_flag
from tests.deploy.deployed_stage import DeployedStage
from tests.deploy.doctor_snapshots import CASES
from tests.deploy.snapshot_changes import Change, without

pytestmark = pytest.mark.emulator


@pytest.fixture(scope="module")
def read(stage: DeployedStage, checkout: Path) -> Iterator[Callable[[], Snapshot]]:
    """Return what reads the live stage."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in stage.account.environment.items():
            patch.setenv(name, value)
        aws = Aws()
        yield lambda: read_snapshot(aws, stage.spec, checkout)


@pytest.fixture(scope="module")
def good(read: Callable[[], Snapshot]) -> Snapshot:
    """Return the good stage, read once."""
    return read()


def test_a_good_stage_passes(stage: DeployedStage, good: Snapshot) -> None:
    """All rules hold, and doctor says which way it is deployed."""
    assert examine(stage.spec, good) == []
    told = report(stage.spec, good, [])
    assert "by a pipeline, as stack quantum-tasks-dev-app" in told
    assert f"all of {len(RULES)} rules hold" in told


def test_doctor_reads_what_was_changed_on_a_live_stage(
    stage: DeployedStage, read: Callable[[], Snapshot]
) -> None:
    """One setting of each kind at once; the dangerous comes first; undone, nothing is found."""
    with changed_by_hand(stage):
        found = read()
    findings = examine(stage.spec, found)
    assert {str(finding).partition(" is ")[0] for finding in findings} == FOUND
    told = report(stage.spec, found, findings).splitlines()
    assert told[1].startswith("  dangerous delivery/partial-batch-responses: the mapping's Func")
    assert [line.split()[0] for line in told[1:4]] == ["dangerous", "dangerous", "wrong"]
    assert examine(stage.spec, read()) == []


@pytest.fixture(scope="module")
def whole_checkout(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Copy what the stage was deployed from, and the commands with it."""
    copy = tmp_path_factory.mktemp("whole") / "checkout"
    shutil.copytree(checkout, copy)
    shutil.copytree(ROOT / "infra", copy / "infra", dirs_exist_ok=True)
    return copy


def make_doctor(stage: DeployedStage, checkout: Path) -> subprocess.CompletedProcess[str]:
    """Run what `make doctor STAGE=dev` runs."""
    return subprocess.run(
        [sys.executable, "-m", "infra.deploy", "doctor", "--stage", stage.spec.stage],
        cwd=checkout,
        env={**os.environ, **stage.account.environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_command_passes_a_good_stage_and_fails_a_bad_one(
    stage: DeployedStage, whole_checkout: Path
) -> None:
    """Its exit status is what a pipeline checks, its first finding what a person reads."""
    passed = make_doctor(stage, whole_checkout)
    assert (passed.returncode, passed.stderr) == (0, ""), passed.stdout
    with no_flag(stage):
        failed = make_doctor(stage, whole_checkout)
    assert failed.returncode == 1
    assert failed.stdout.splitlines()[1].startswith(
        "  dangerous delivery/partial-batch-responses: the mapping's FunctionResponse"
    )


@pytest.mark.parametrize(("rule", "change", "told"), CASES.values(), ids=CASES)
def test_doctor_names_what_was_changed(
    stage: DeployedStage, good: Snapshot, rule: Rule, change: Change, told: str
) -> None:
    """The setting, its value and the value that it must have."""
    corrupted = change(good)
    findings = list(rule(stage.spec, corrupted))
    assert any(told in str(finding) for finding in findings), findings
    assert set(map(str, findings)) <= set(map(str, examine(stage.spec, corrupted)))


def test_every_rule_is_broken_by_a_test() -> None:
    """A rule that finds nothing proves nothing."""
    broken = {rule for rule, *_ in CASES.values()}
    # In test_throughput_rules.py.
    broken |= {rule for rule in RULES if rule.id.startswith("throughput/")}
    assert broken == set(RULES)


def test_the_docs_list_every_rule_by_its_id() -> None:
    """In the order in which they are applied, each with what it says, and no other."""
    rows = re.findall(
        r"^\| `((?:delivery|functions|stage|throughput)/[a-z-]+)` \| (.+?) \|$",
        (ROOT / "docs" / "deployment.md").read_text(),
        re.MULTILINE,
    )
    assert rows == [(rule.id, rule.says) for rule in RULES]
    assert len({rule.id for rule in RULES}) == len(RULES)


def test_the_alarms_are_those_of_the_template() -> None:
    """One that is added there is missed on a live stage."""
    template = (ROOT / "infra" / "templates" / "messaging.yaml").read_text()
    named = re.findall(r"AlarmName: !Sub quantum-tasks-\$\{Stage\}-(\S+)", template)
    assert sorted(named) == sorted(stage.ALARMS)


def test_support_of_a_runtime_ends_some_day() -> None:
    """The dates are AWS's, and a runtime that is not known is not supported."""
    assert functions.supported_until("python3.8") == date(2024, 10, 14)
    assert functions.supported_until("python2.5") is None


def test_doctor_says_which_way_a_stage_is_deployed(stage: DeployedStage, good: Snapshot) -> None:
    """By a pipeline, by this checkout, by another one, or not at all."""
    by_hand = dataclasses.replace(good, stacks=without(good.stacks, stage.spec.app_stack))
    recorded = dataclasses.replace(by_hand, chalice_record=True)
    gone = dataclasses.replace(by_hand, functions=dict.fromkeys(good.functions))
    assert deployed_by(stage.spec, recorded) == "by `make deploy`, from here"
    assert "no record of it" in deployed_by(stage.spec, by_hand)
    assert deployed_by(stage.spec, gone) == "not deployed"
