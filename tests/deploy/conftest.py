"""One account for all tests of deployments, with the stage `dev` deployed as a pipeline does it."""

from __future__ import annotations

import dataclasses
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from botocore.credentials import Credentials

from infra.aws import Aws
from infra.cloudformation import Stacks
from infra.deploy.api_client import ApiClient
from infra.deploy.stage_stacks import StageStacks
from infra.local.settings import ROOT
from infra.package.dependencies import this_architecture
from infra.package.packaging import Package, make_package
from infra.stage import StageSpec, read_configuration, stage_spec, this_runtime
from tests.deploy.account import Account, account
from tests.deploy.deployed_stage import DeployedStage
from tests.deploy.deploying import chalice, put_package_into_chalices_cache

ARTEFACTS = "artefacts"
#: The origin of the web pages that may call the stage `dev`; no other stage's may.
PAGES = "https://pages.example.org"
#: What builds and runs leave in a checkout.
LEFT = ("__pycache__", "deployed", "deployments")


@pytest.fixture(scope="session")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Copy what is deployed as it is now: changes made meanwhile change no result.

    It is deployed to an emulator on this machine: by this Python, for this architecture.
    """
    copy = tmp_path_factory.mktemp("checkout")
    for directory in ("chalicelib", ".chalice"):
        shutil.copytree(ROOT / directory, copy / directory, ignore=shutil.ignore_patterns(*LEFT))
    files = ("app.py", "requirements.txt", "requirements-simulator.lock")
    for path in (*ROOT.glob("infra/templates/*.yaml"), *(ROOT / name for name in files)):
        target = copy / path.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
    configuration = copy / ".chalice" / "config.json"
    content = json.loads(configuration.read_text())
    for stage in ("dev", "prod"):
        content["stages"][stage]["lambda_architecture"] = this_architecture()
        content["stages"][stage]["deployment"]["runtime"] = this_runtime()
    content["stages"]["dev"]["environment_variables"]["CORS_ORIGIN"] = PAGES
    configuration.write_text(json.dumps(content))
    return copy


@pytest.fixture(scope="session")
def spec(checkout: Path) -> StageSpec:
    """Return the stage that is deployed."""
    return stage_spec(read_configuration(checkout), "dev")


@pytest.fixture(scope="session")
def package(checkout: Path, spec: StageSpec, tmp_path_factory: pytest.TempPathFactory) -> Package:
    """Build the stage for this machine, as `make package` builds it for Lambda."""
    target = tmp_path_factory.mktemp("package")
    return make_package(checkout, spec, target, for_this_machine=True)


@pytest.fixture(scope="session")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    """Run the account."""
    with account(tmp_path_factory.mktemp("account")) as running:
        yield running


@pytest.fixture(scope="session")
def stage(aws: Account, checkout: Path, spec: StageSpec, package: Package) -> DeployedStage:
    """Deploy the package with CloudFormation, after the two stacks that it imports from."""
    stacks = Stacks(aws.client("cloudformation"), poll_seconds=0.1)
    outputs: dict[str, str] = {}
    # The account's, which a pipeline deploys once.
    stacks.deploy(
        spec.account_stack,
        (checkout / "infra" / "templates" / "account.yaml").read_text(),
        {},
        ["CAPABILITY_IAM"],
    )
    for name, template, parameters in (
        (spec.data_stack, "data.yaml", spec.data_parameters),
        (spec.messaging_stack, "messaging.yaml", spec.messaging_parameters),
    ):
        outputs |= stacks.deploy(
            name, (checkout / "infra" / "templates" / template).read_text(), parameters
        )
    # What `aws cloudformation package` does.
    s3 = aws.client("s3")
    s3.create_bucket(Bucket=ARTEFACTS)
    s3.upload_file(str(package.archive), ARTEFACTS, package.archive.name)
    template = package.template.read_text()
    location = f"s3://{ARTEFACTS}/{package.archive.name}"
    outputs |= stacks.deploy(
        spec.app_stack,
        template.replace("./deployment.zip", location),
        {},
        ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
    )
    return DeployedStage(account=aws, spec=spec, api_id=outputs["RestAPIId"], outputs=outputs)


@dataclasses.dataclass(frozen=True, slots=True)
class Users:
    """Who calls the API."""

    alice: Credentials
    bob: Credentials
    #: Known to the account, allowed nothing.
    stranger: Credentials


@pytest.fixture(scope="session")
def users(aws: Account) -> Users:
    """Make the users."""
    may_call = {"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": "*"}
    return Users(
        alice=aws.new_user("alice", may_call),
        bob=aws.new_user("bob", may_call),
        stranger=aws.new_user("stranger"),
    )


@pytest.fixture(scope="session")
def alice(stage: DeployedStage, users: Users) -> ApiClient:
    """Return an API client of a user who may use the stage."""
    return stage.caller(users.alice)


@pytest.fixture
def clean_queue(stage: DeployedStage) -> Iterator[None]:
    """Leave no message to the next test."""
    yield
    for queue in ("QueueUrl", "DeadLetterQueueUrl"):
        stage.account.client("sqs").purge_queue(QueueUrl=stage.outputs[queue])


@pytest.fixture(scope="session")
def newcomer(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a whole checkout of a newcomer's."""
    directory = tmp_path_factory.mktemp("newcomer")
    shutil.copytree(checkout, directory, dirs_exist_ok=True)
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "infra", directory / "infra", dirs_exist_ok=True, ignore=ignored)
    return directory


@pytest.fixture(scope="session")
def prod(newcomer: Path) -> StageSpec:
    """Return the stage that is deployed by Chalice alone, and then by `make deploy`."""
    return stage_spec(read_configuration(newcomer), "prod")


@pytest.fixture(scope="session")
def by_chalice(
    aws: Account, newcomer: Path, prod: StageSpec, tmp_path_factory: pytest.TempPathFactory
) -> DeployedStage:
    """Make the stage's stacks, then type `chalice deploy --stage prod` and nothing else."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in aws.environment.items():
            patch.setenv(name, value)
        stacks = StageStacks(Aws(), newcomer, prod, poll_seconds=0.1)
        outputs = {**stacks.deploy_data(), **stacks.deploy_messaging()}
    put_package_into_chalices_cache(newcomer, prod, tmp_path_factory.mktemp("cache"))
    done = chalice(newcomer, "deploy", "--stage", "prod", environment=aws.environment)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Reusing existing deployment package." in done.stdout
    assert "`make deploy STAGE=prod`" in done.stderr
    apis = aws.client("apigateway").get_rest_apis()["items"]
    (api_id,) = [api["id"] for api in apis if api["name"] == prod.name]
    return DeployedStage(account=aws, spec=prod, api_id=api_id, outputs=outputs)
