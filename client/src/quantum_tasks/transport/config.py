"""Where the service is and how to reach it: argument, environment, file, default, in this order."""

from __future__ import annotations

import dataclasses
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from quantum_tasks.errors import ConfigurationError

DEFAULT_URL: Final = "http://127.0.0.1:8000"
DEFAULT_PROFILE: Final = "default"

AUTHS: Final = ("auto", "sigv4", "none")

_NAMES: Final = frozenset({"url", "region", "auth", "aws_profile"})


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """What a client needs to know."""

    url: str
    #: Of the signature; None: the host's, else AWS's own settings.
    region: str | None
    #: One of `AUTHS`. "auto" signs only for API Gateway's own host names.
    auth: str
    #: Whose credentials of `~/.aws` sign; None: as AWS's own tools choose.
    aws_profile: str | None


def configuration(
    base_url: str | None = None,
    *,
    profile: str | None = None,
    region: str | None = None,
    auth: str = "auto",
    environment: Mapping[str, str] | None = None,
) -> Configuration:
    """Put together what was said in all places.

    Raises:
        ConfigurationError: something cannot be used; the message names the place.
    """
    variables = os.environ if environment is None else environment
    file = config_file(variables)
    settings = _read_profile(file, profile or variables.get("QTASKS_PROFILE") or None)
    # A profile that is named for this very call says more than the environment.
    own = settings.get("url") if profile else None
    url = base_url or own or variables.get("QTASKS_URL") or settings.get("url") or DEFAULT_URL
    if auth == "auto":
        auth = settings.get("auth", "auto")
    if auth not in AUTHS:
        raise ConfigurationError(f"auth must be one of {', '.join(AUTHS)}, not {auth!r}")
    return Configuration(
        url=_checked_url(url),
        region=region or settings.get("region"),
        auth=auth,
        aws_profile=settings.get("aws_profile"),
    )


def config_file(variables: Mapping[str, str]) -> Path:
    """Return where the configuration file is, or would be."""
    if named := variables.get("QTASKS_CONFIG"):
        return Path(named)
    base = variables.get("XDG_CONFIG_HOME")
    return (Path(base) if base else Path.home() / ".config") / "qtasks" / "config.toml"


def _read_profile(file: Path, profile: str | None) -> Mapping[str, str]:
    try:
        profiles = tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        profiles = {}
    except (OSError, ValueError) as exc:
        raise ConfigurationError(f"{file} cannot be read: {exc}") from exc
    name = profile or DEFAULT_PROFILE
    if name not in profiles:
        if profile is None:
            return {}
        message = f"{file} has no profile {profile!r}; there are: {', '.join(profiles) or 'none'}"
        raise ConfigurationError(message)
    return _checked_profile(profiles[name], f"{file}, profile {name!r}")


def _checked_profile(settings: Any, place: str) -> Mapping[str, str]:  # noqa: ANN401 - a TOML value
    if not isinstance(settings, dict):
        raise ConfigurationError(f"{place}: must be a table")
    for key, value in settings.items():
        if key not in _NAMES:
            message = f"{place}: {key!r} is no setting; there are: {', '.join(sorted(_NAMES))}"
            raise ConfigurationError(message)
        if not isinstance(value, str):
            raise ConfigurationError(f"{place}: {key} must be a string")
    return settings


def _checked_url(url: str) -> str:
    try:
        parts = urlsplit(url)
        usable = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:
        usable = False
        parts = urlsplit("")
    if not usable or parts.query or parts.fragment or "@" in parts.netloc:
        message = f"the service's address must be like https://host/path, not {url!r}"
        raise ConfigurationError(message)
    return url.rstrip("/")
