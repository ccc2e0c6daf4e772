"""The environment of the processes: what is configured, where the backend is, nothing of AWS.

Later layers win: `.chalice/config.json`'s stage `local`, the stacks' outputs, what the user set.
Above all of them stands what keeps the local stage local: dummy credentials, no AWS configuration
files, no proxy for loopback. What would make a part believe that it runs on Lambda, or write its
log in another form, does not reach it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping

from infra.errors import UserError
from infra.local.settings import REGION, ROOT, STAGE, Settings
from infra.local.supervisor.pid_files import write_atomically
from infra.stage import read_configuration, stage_variables

#: What the service calls the stacks' outputs.
NAMES_OF_OUTPUTS = {
    "TASKS_TABLE_NAME": "TableName",
    "TASKS_QUEUE_URL": "QueueUrl",
    "TASKS_DEAD_LETTER_QUEUE_URL": "DeadLetterQueueUrl",
}
#: What is dropped of the user's environment: AWS's settings, those of Lambda's runtime, and those
#: of Powertools, which turn one log line into many (`POWERTOOLS_DEV`) or add lines of no form
#: (`POWERTOOLS_DEBUG`).
FOREIGN_PREFIXES = ("AWS_", "LAMBDA_", "POWERTOOLS_", "_X_AMZN_")
#: The user's own AWS settings that are meant for this stage.
ENDPOINTS = ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_DYNAMODB", "AWS_ENDPOINT_URL_SQS")
#: The user's real account is out of reach, whatever else is set.
LOCAL_ONLY = {
    "STAGE": STAGE,
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": REGION,
    "AWS_REGION": REGION,
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
}
#: Under `run/`: what a process needs to attach.
BACKEND_FILE = "environment.json"
LOOPBACK = "127.0.0.1,localhost,::1"


class NotRunning(UserError):
    """There is no backend to attach to."""


def backend_variables(
    endpoint_url: str, outputs: Mapping[str, str], user: Mapping[str, str]
) -> dict[str, str]:
    """Describe a backend: all that its processes need beyond their own environment."""
    configured = stage_variables(read_configuration(ROOT), STAGE)
    located = {name: outputs[output] for name, output in NAMES_OF_OUTPUTS.items()}
    variables = configured | located | {"AWS_ENDPOINT_URL": endpoint_url}
    variables |= {name: user[name] for name in {*variables, *ENDPOINTS} if user.get(name)}
    return variables | LOCAL_ONLY


def process_environment(
    backend: Mapping[str, str], user: Mapping[str, str] = os.environ
) -> dict[str, str]:
    """Lay a backend's variables over the user's environment, and what the user set over them."""
    passed = {name: value for name, value in user.items() if not name.startswith(FOREIGN_PREFIXES)}
    own = {name: user[name] for name in {*backend, *ENDPOINTS} if user.get(name)}
    environment = passed | dict(backend) | own | LOCAL_ONLY
    bypass = ",".join(filter(None, [user.get("NO_PROXY") or user.get("no_proxy"), LOOPBACK]))
    return environment | {"NO_PROXY": bypass, "no_proxy": bypass, "PYTHONUNBUFFERED": "1"}


def replace_environment(environment: Mapping[str, str], *, keep: str = "") -> None:
    """Put this process's own SDK calls under the same rule; the variable `keep` stays."""
    for name in list(os.environ):
        if name.startswith(FOREIGN_PREFIXES) and name != keep:
            del os.environ[name]
    os.environ.update(environment)


def save_backend(settings: Settings, variables: Mapping[str, str]) -> None:
    """Leave a description of the running backend for processes that attach to it."""
    text = json.dumps(dict(variables), indent=2, sort_keys=True)
    write_atomically(settings.run_dir / BACKEND_FILE, text + "\n")


def is_described(settings: Settings) -> bool:
    """Whether processes may attach: a stop removes the description before anything else."""
    return (settings.run_dir / BACKEND_FILE).exists()


def forget_backend(settings: Settings) -> None:
    """Let no further process attach."""
    (settings.run_dir / BACKEND_FILE).unlink(missing_ok=True)


def load_backend(settings: Settings) -> dict[str, str]:
    """Read the description of the running backend."""
    path = settings.run_dir / BACKEND_FILE
    try:
        variables: dict[str, str] = json.loads(path.read_text())
    except FileNotFoundError as exc:
        message = f"nothing runs with DATA_DIR={settings.data_dir}; start it with: make run"
        raise NotRunning(message) from exc
    return variables
