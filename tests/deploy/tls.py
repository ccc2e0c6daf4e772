"""A certificate for this machine's loopback address, made for one session of tests."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import trustme


@dataclasses.dataclass(frozen=True, slots=True)
class Certificate:
    """Where a server's certificate, its key, and the authority that clients trust are."""

    authority: Path
    certificate: Path
    key: Path


def make_certificate(directory: Path) -> Certificate:
    """Make an authority and a certificate of its own for loopback."""
    authority = trustme.CA()
    server = authority.issue_cert("127.0.0.1", "localhost")
    made = Certificate(directory / "ca.pem", directory / "server.pem", directory / "key.pem")
    authority.cert_pem.write_to_path(str(made.authority))
    for place, part in enumerate(server.cert_chain_pems):
        part.write_to_path(str(made.certificate), append=place > 0)
    server.private_key_pem.write_to_path(str(made.key))
    return made
