"""The one root of what a person can do something about."""

from __future__ import annotations


class UserError(Exception):
    """A command cannot go on; its message says why, and is shown without a stack trace."""
