"""The pauses between the attempts of one call."""

from __future__ import annotations

from types import SimpleNamespace

import botocore.endpoint
import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders

from chalicelib.adapters.dynamodb.store import DynamoDbTaskStore
from chalicelib.errors import StoreUnavailable
from chalicelib.settings import RETRY_DELAY_SECONDS_MAX, Settings


def test_each_pause_is_a_random_time_up_to_a_tenth_of_a_second(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What failed together does not come back together; no answer makes a client wait longer."""
    pauses: list[float] = []
    monkeypatch.setattr(botocore.endpoint, "time", SimpleNamespace(sleep=pauses.append))
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    store = DynamoDbTaskStore(Settings(tasks_table_name="tasks", database_attempts_max=10))
    later = HTTPHeaders.from_dict({"x-amz-retry-after": "30000"})
    store.client.meta.events.register(
        "before-send.dynamodb",
        lambda request, **_: AWSResponse(request.url, 500, later, SimpleNamespace(stream=list)),
    )
    with pytest.raises(StoreUnavailable):
        store.ping()
    assert len(pauses) == 9
    assert all(0 <= pause <= RETRY_DELAY_SECONDS_MAX for pause in pauses)
    assert len(set(pauses)) == 9
