"""`make deploy` and `make destroy`, run against an account: Chalice, and what is around it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.aws import Aws
from infra.cloudformation import Stacks
from infra.deploy.deployment import Deployment, DeploymentFailed, Step
from infra.deploy.post_deploy import PostDeploy
from infra.deploy.refusals import DeploymentRefused
from infra.deploy.teardown import Teardown
from infra.doctor.checks import deployed_by, examine
from infra.doctor.live_stage import chalice_record, read_snapshot
from infra.stage import StageSpec
from infra.waiting import wait_for
from tests.deploy.account import Account
from tests.deploy.conftest import Users
from tests.deploy.deployed_stage import DeployedStage, task_id_of
from tests.deploy.deploying import Run, deploy, live, remains, replace_mapping, setting_and_flag

pytestmark = pytest.mark.emulator

CIRCUIT = "OPENQASM 3.0; qubit q; bit c; c = measure q;"
STEPS = (
    *("data stack", "messaging stack", "package", "chalice deploy", "the mapping's flag"),
    *("the setting that relies on it", "throttling and gateway responses", "doctor", "smoke test"),
)


@pytest.fixture(scope="module")
def owner(aws: Account) -> Iterator[Aws]:
    """Be the account's root for all that is run here, Chalice included."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in aws.environment.items():
            patch.setenv(name, value)
        yield Aws()


@dataclasses.dataclass(frozen=True, slots=True)
class Afresh:
    """A stage that was destroyed and deployed again."""

    #: A task of Alice's from before.
    task_id: str
    said: list[str]
    remained: list[str]
    run: Run


@pytest.fixture(scope="module")
def afresh(
    by_chalice: DeployedStage, owner: Aws, newcomer: Path, prod: StageSpec, users: Users
) -> Afresh:
    """Destroy what `chalice deploy` made, and the data stack, which retains the table; deploy."""
    accepted = by_chalice.caller(users.alice).call("POST", "/tasks", {"circuit": CIRCUIT})
    # One mapping is being deleted, and one that has just been made refuses to be.
    replace_mapping(owner, prod)
    said: list[str] = []
    Teardown(owner, newcomer, prod, poll_seconds=0.1, say=said.append).run()
    assert not chalice_record(newcomer, prod).exists()
    assert Stacks(owner.client("cloudformation"), poll_seconds=0.1).delete(prod.data_stack)
    remained = remains(owner, prod)
    return Afresh(task_id_of(accepted), said, remained, deploy(owner, newcomer, prod))


@pytest.fixture(scope="module")
def first(afresh: Afresh) -> Run:
    """Return what that deployment said, which found no service."""
    return afresh.run


def test_destroying_leaves_the_data_and_a_new_deployment_takes_it_up(
    afresh: Afresh, aws: Account, owner: Aws, prod: StageSpec, users: Users
) -> None:
    """All but the table is gone; then the stage is there again, and knows its tasks."""
    assert "quantum-tasks-prod-data and its table stay" in afresh.said[-1]
    assert afresh.remained == [f"table {prod.name}"]
    said = afresh.run.said
    assert "  the queues' names are blocked for a minute after their deletion" in said
    assert "  table quantum-tasks-prod is there without its stack, which takes it up" in said
    alice = live(aws, owner, prod).caller(users.alice)
    task = alice.call("GET", f"/tasks/{afresh.task_id}")
    assert (task.status, task.body["task_id"]) == (200, afresh.task_id)


def test_a_first_deployment_takes_all_steps_and_passes_doctor(
    first: Run, owner: Aws, newcomer: Path, prod: StageSpec
) -> None:
    """One command makes everything, in an order in which no message could be lost."""
    assert [line.removeprefix("prod: ") for line in first.said if line.startswith("prod: ")] == (
        list(STEPS)
    )
    assert "went pending, processing, completed" in first.said[-1]
    assert all(flag is not False for setting, flag in first.settings if setting)
    assert first.settings[-1] == (True, True)
    snapshot = read_snapshot(owner, prod, newcomer)
    assert examine(prod, snapshot) == []
    assert deployed_by(prod, snapshot) == "by `make deploy`, from here"


def test_what_the_gateway_answers_itself_is_a_problem_document(
    first: Run, aws: Account, owner: Aws, prod: StageSpec
) -> None:
    """Chalice cannot say so, and the API answers so none the less."""
    answer = live(aws, owner, prod).caller(None).call("GET", "/nowhere")
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.body["status"] == answer.status == 403


def test_chalice_makes_no_log_group_of_its_own(first: Run, owner: Aws, prod: StageSpec) -> None:
    """It would make the API's under a name that its function does not have, kept indefinitely."""
    groups = owner.client("logs").describe_log_groups(logGroupNamePrefix=f"/aws/lambda/{prod.name}")
    assert {
        group["logGroupName"]: group.get("retentionInDays") for group in groups["logGroups"]
    } == {
        f"/aws/lambda/{function.function_name}": prod.log_retention_days
        for function in prod.functions.values()
    }


def test_policies_name_what_the_stacks_have_made(
    first: Run, aws: Account, owner: Aws, prod: StageSpec
) -> None:
    """Account and region included, with nothing left to fill in."""
    stage = live(aws, owner, prod)
    for function in prod.functions:
        resources = [statement["Resource"] for statement in stage.policy(function)["Statement"]]
        assert all(resource.startswith("arn:aws:") for resource in resources)
        assert not any("*:*" in r or "${" in r for r in resources)
    tables = {s["Resource"] for s in stage.policy("worker")["Statement"]}
    assert stage.outputs["TableArn"] in tables


def test_a_deployment_without_its_record_is_refused(
    first: Run, owner: Aws, newcomer: Path, prod: StageSpec
) -> None:
    """Chalice would make a second API; it is told what is live, and nothing is changed."""
    record = chalice_record(newcomer, prod)
    content = record.read_text()
    record.unlink()
    try:
        with pytest.raises(DeploymentRefused, match=r"is live .*worker.*API.*is missing"):
            deploy(owner, newcomer, prod)
    finally:
        record.write_text(content)
    apis = owner.client("apigateway").get_rest_apis()["items"]
    assert len([api for api in apis if api["name"] == prod.name]) == 1


def test_a_stage_of_a_pipeline_is_left_to_it(
    stage: DeployedStage, owner: Aws, newcomer: Path
) -> None:
    """A stage is deployed one way or the other."""
    with pytest.raises(DeploymentRefused, match="by a pipeline, as stack quantum-tasks-dev-app"):
        deploy(owner, newcomer, stage.spec)


def test_a_failed_step_says_what_to_do(
    first: Run, owner: Aws, newcomer: Path, prod: StageSpec
) -> None:
    """Its name, the reason in AWS's words, and the remedy; the stage is as it was."""
    wrong = dataclasses.replace(prod, max_receive_count=1)  # the template wants 5
    with pytest.raises(DeploymentFailed) as failed:
        deploy(owner, newcomer, wrong)
    assert "messaging stack failed: stack quantum-tasks-prod-messaging" in str(failed.value)
    assert "what to do: correct that and run it again" in str(failed.value)
    assert setting_and_flag(owner, prod) == (True, True)


def test_a_deployment_without_a_region_is_refused(newcomer: Path, prod: StageSpec) -> None:
    """Chalice would take one, and the stacks another."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("AWS_DEFAULT_REGION")
        with pytest.raises(DeploymentRefused, match="no region is set"):
            Deployment(NoRegion(), newcomer, prod)


class NoRegion(Aws):
    """An account of which only the credentials are known."""

    @property
    def region(self) -> str | None:
        """None was given."""
        return None


def test_a_second_deployment_repairs_and_makes_nothing_twice(
    first: Run, aws: Account, owner: Aws, newcomer: Path, prod: StageSpec
) -> None:
    """A mapping that was deleted comes back with its flag, before the setting comes back."""
    stage = live(aws, owner, prod)
    old = stage.mapping["UUID"]
    owner.client("lambda").delete_event_source_mapping(UUID=old)
    client = owner.client("lambda")
    wait_for(
        lambda: (
            not client.list_event_source_mappings(FunctionName=stage.function_name("worker"))[
                "EventSourceMappings"
            ]
        ),
        "deleted mapping",
    )
    run = deploy(owner, newcomer, prod)
    # Between Chalice and the flag the new mapping has none, and nothing relies on it.
    at_the_flag = run.settings[run.said.index("prod: the mapping's flag")]
    assert at_the_flag == (False, False)
    assert not [seen for seen in run.settings if seen == (True, False)]
    assert run.settings[-1] == (True, True)
    again = live(aws, owner, prod)
    assert again.api_id == stage.api_id
    assert again.mapping["UUID"] != old


def test_the_flag_is_set_on_a_mapping_that_has_just_been_made(
    first: Run, aws: Account, owner: Aws, newcomer: Path, prod: StageSpec
) -> None:
    """AWS refuses to change it while it is `Creating`, which takes longer than the next step."""
    replace_mapping(owner, prod)
    PostDeploy(owner, prod, poll_seconds=0.1).report_failures()
    assert setting_and_flag(owner, prod) == (True, True)


class OnlyItsBeginning(Deployment):
    """A deployment that changes nothing."""

    def steps(self) -> tuple[Step, ...]:
        """See `Deployment`."""
        return ()


@pytest.mark.parametrize(("functions_max", "warnings"), [(10, 1), (1000, 0)])
def test_an_account_with_few_functions_is_told_before_anything_is_changed(
    owner: Aws, newcomer: Path, prod: StageSpec, functions_max: int, warnings: int
) -> None:
    """A new account runs ten at the same time, and more have to be asked for."""
    account = Aws()
    account.client("lambda").meta.events.register(
        "after-call.lambda.GetAccountSettings",
        lambda parsed, **_: parsed["AccountLimit"].update(
            UnreservedConcurrentExecutions=functions_max
        ),
    )
    said: list[str] = []
    OnlyItsBeginning(account, newcomer, prod, say=said.append).run()
    assert len(said) == warnings
    assert all("the account's unreserved concurrent executions is 10" in line for line in said)


def test_destroying_what_is_not_there_is_no_error(
    aws: Account, owner: Aws, newcomer: Path, prod: StageSpec
) -> None:
    """A destruction that stopped half-way can be run again."""
    nothing = dataclasses.replace(
        prod,
        stage="gone",
        functions={
            name: dataclasses.replace(function, function_name=f"quantum-tasks-gone-{name}")
            for name, function in prod.functions.items()
        },
    )
    said: list[str] = []
    Teardown(owner, newcomer, nothing, poll_seconds=0.1, say=said.append).run()
    assert said == []
