"""Who owns what a request makes: the same for all sessions of a role, never shared by others."""

from __future__ import annotations

import pytest

from chalicelib.entrypoints.http.caller import LOCAL_OWNER, owner_of
from chalicelib.errors import CallerUnknown


@pytest.mark.parametrize(
    ("caller", "owner"),
    [
        ("AIDAEXAMPLE", "AIDAEXAMPLE"),
        ("AROAEXAMPLE:monday", "AROAEXAMPLE"),
        ("AROAEXAMPLE:a:b", "AROAEXAMPLE"),
        ("123456789012:federated", "123456789012:federated"),
        ("1234567890123:no account", "1234567890123"),
    ],
)
def test_an_owner_is_the_callers_id_without_its_session(caller: str, owner: str) -> None:
    """A federated user's id begins with the account, which others have too."""
    assert owner_of({"identity": {"caller": caller}}, stage="prod") == owner


@pytest.mark.parametrize("context", [{}, {"identity": None}, {"identity": {"caller": ":session"}}])
def test_a_caller_without_an_id_is_refused(context: dict[str, object]) -> None:
    """But on the local stage, which has one owner."""
    with pytest.raises(CallerUnknown):
        owner_of(context, stage="prod")
    assert owner_of(context, stage="local") == LOCAL_OWNER
