"""What a request is, beyond its fields."""

from __future__ import annotations

import hashlib

from chalicelib.domain.task import seed_of_point
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


def test_equal_numbers_are_the_same_inputs() -> None:
    """A repeat by another client may write 1 as 1.0 and 0 as -0.0; true is no number."""
    same = [{"t": 1, "u": 0}, {"u": -0.0, "t": 1.0}]
    others = [{"t": True, "u": 0}, {"t": 1.5, "u": 0}, ({"t": 1, "u": 0},), {}, None]
    first, again = (a_request(inputs=inputs).fingerprint for inputs in same)
    assert first == again
    assert len({first, *(a_request(inputs=inputs).fingerprint for inputs in others)}) == 6
    large = {a_request(inputs={"t": value}).fingerprint for value in (2**53, 2.0**53)}
    assert len(large) == 2


def test_inputs_need_the_newest_schema_and_change_the_sample() -> None:
    """An old worker would execute the circuit without them."""
    with_inputs = a_request("x", inputs={"t": 1})
    assert (with_inputs.schema_version, a_request("x", seed=1).schema_version) == (3, 2)
    seeds = {a_request("x", inputs=inputs).effective_seed for inputs in (None, {}, {"t": 1})}
    assert len(seeds) == 3
    assert with_inputs.effective_seed == a_request("x", inputs={"t": 1.0}).effective_seed


def test_each_point_has_a_seed_of_its_own() -> None:
    """The first 53 bits of SHA-256, which JSON's readers keep exact; the first has the seed."""
    assert [seed_of_point(7, point) for point in range(3)] == [
        7,
        int.from_bytes(hashlib.sha256(b"7\n1").digest()) >> 203,
        int.from_bytes(hashlib.sha256(b"7\n2").digest()) >> 203,
    ]
    assert seed_of_point(8, 1) != seed_of_point(7, 2)
    assert a_request(inputs=({"a": 1}, {})).points == ({"a": 1}, {})
    assert [a_request(inputs=inputs).points for inputs in (None, {"a": 1})] == [({},), ({"a": 1},)]
