"""What a request is, beyond its fields."""

from __future__ import annotations

from tests.support.in_memory import a_request


def test_a_request_without_a_seed_keeps_the_fingerprint_that_it_had_before_seeds() -> None:
    """A client that repeats a request with its key across a deployment must find its task."""
    before = "6d29fe66bd7447f82f77f291302eb85f"
    request = a_request("OPENQASM 3.0;", shots=8, tags={"a": "b"})
    assert request.fingerprint.startswith(before)


def test_a_seed_is_a_part_of_the_request() -> None:
    """Another seed is another request; 0 is a seed."""
    fingerprints = {a_request(seed=seed).fingerprint for seed in (None, 0, 1)}
    assert len(fingerprints) == 3


def test_only_a_seed_needs_the_newer_schema() -> None:
    """All other items can be read by a service from before seeds."""
    assert [a_request(seed=seed).schema_version for seed in (None, 0, 7)] == [1, 2, 2]


def test_without_a_seed_it_comes_from_circuit_and_shots() -> None:
    """Labels change nothing."""
    request = a_request("x", shots=5)
    assert request.effective_seed == a_request("x", shots=5, tags={"a": "b"}).effective_seed
    others = {a_request("x", shots=6).effective_seed, a_request("y", shots=5).effective_seed}
    assert request.effective_seed not in others
    assert a_request("x", shots=5, seed=0).effective_seed == 0
