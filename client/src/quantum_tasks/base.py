"""What both clients are made of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from quantum_tasks import requests
from quantum_tasks.config import configuration
from quantum_tasks.engine import batching, checking, looking, submitting
from quantum_tasks.engine.effects import Program
from quantum_tasks.engine.looking import Seen
from quantum_tasks.engine.retrying import RetryPolicy
from quantum_tasks.signing import signer_for
from quantum_tasks.transport import HttpTransport, Transport
from quantum_tasks.values import Health, Validation

SHOTS_DEFAULT: Final = 1024
PAGE_SIZE: Final = 100


class Programs:
    """Makes the programs that a client runs; knows where the service is."""

    def __init__(
        self,
        base_url: str | None,
        *,
        profile: str | None,
        region: str | None,
        auth: str,
        timeout: float,
        max_retries: int,
        transport: Transport | None,
    ) -> None:
        settings = configuration(base_url, profile=profile, region=region, auth=auth)
        #: The service's address.
        self.url = settings.url
        self.policy = RetryPolicy(retries_max=max_retries)
        self.transport = transport or HttpTransport(
            base_url=settings.url, signer=signer_for(settings), timeout_seconds=timeout
        )

    def submit(
        self,
        circuit: object,
        *,
        shots: int,
        seed: int | None,
        tags: Mapping[str, str] | None,
        key: str | None,
    ) -> Program[Seen]:
        """Submit one circuit, under the key given or a new one."""
        document = requests.task_document(circuit, shots=shots, seed=seed, tags=tags)
        return submitting.submit(document, key=requests.submission_key(key), policy=self.policy)

    def get(self, task_id: str, before: Seen | None = None) -> Program[Seen]:
        """Read a task."""
        return looking.look(task_id, policy=self.policy, before=before)

    def cancel(self, task_id: str) -> Program[Seen]:
        """Cancel a task."""
        return looking.cancel(task_id, policy=self.policy)

    def submit_many(
        self, many: Iterable[Mapping[str, Any]], key: str
    ) -> Program[batching.Submitted]:
        """Submit many circuits, under keys that come from this one."""
        members = requests.batch_members(many, key=key)
        return batching.submit_many(members, policy=self.policy)

    def validate(self, circuit: object) -> Program[Validation]:
        """Have a circuit checked."""
        return checking.validate(requests.task_document(circuit), policy=self.policy)

    def health(self) -> Program[Health]:
        """Ask whether the service can be used."""
        return checking.health(policy=self.policy)
