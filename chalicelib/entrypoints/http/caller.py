"""Who may call, and whose the tasks are. The one place for another kind of authorizer.

An authorizer lets callers in; `owner_of` names them. Both go by the stage: `local` has neither,
every deployed stage signs requests with IAM credentials.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Any, Final

from chalice.app import Authorizer, IAMAuthorizer

from chalicelib.errors import CallerUnknown

LOCAL_STAGE: Final = "local"
#: The owner of every task of the local stage.
LOCAL_OWNER: Final = "local"
#: An AWS account's number.
_ACCOUNT: Final = re.compile(r"[0-9]{12}")


def authorizer() -> Authorizer | None:
    """Return what the routes are protected with; read from `STAGE`, also when packaging."""
    return None if os.environ.get("STAGE", LOCAL_STAGE) == LOCAL_STAGE else IAMAuthorizer()


def owner_of(request_context: Mapping[str, Any], *, stage: str) -> str:
    """Return the owner that a request acts for.

    For IAM it is the caller's unique id up to the first colon: a user's id, or a role's. What
    follows the colon is the session's name, which changes with every session of the same role. A
    federated user (`GetFederationToken`) has the account's number before the colon, which all of
    them share: there the whole is the owner.
    Source: "API Gateway mapping template reference", `$context.identity.caller`; "IAM JSON policy
    elements: Variables", table of `aws:userid`.

    Raises:
        CallerUnknown: a deployed stage's request names no caller.
    """
    if stage == LOCAL_STAGE:
        return LOCAL_OWNER
    caller = (request_context.get("identity") or {}).get("caller") or ""
    principal = str(caller).partition(":")[0]
    if not principal:
        raise CallerUnknown
    return str(caller) if _ACCOUNT.fullmatch(principal) else principal
