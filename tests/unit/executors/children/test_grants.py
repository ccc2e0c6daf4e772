"""What an execution may use of memory, by what its program needs."""

from __future__ import annotations

import pytest

from chalicelib.executors.children.grants import ProgramSize, granted, is_small
from chalicelib.executors.children.jobs import answer_decoder

PLENTY = 1 << 50
READING = 256 << 20


@pytest.mark.parametrize(
    ("part", "operations", "shots", "more"),
    [
        (0, 0, 0, 48),
        (1, 0, 0, 96),
        (20, 0, 0, 48 << 20),
        (20, 7, 0, (48 << 20) + 28_000),
        (20, 7, 3, (48 << 20) + 29_500),
        (24, 1_000_000, 1_000_000, (48 << 24) + 4_500_000_000),
    ],
)
def test_a_grant_has_the_states_amplitudes_twice_the_operations_and_the_shots(
    part: int, operations: int, shots: int, more: int
) -> None:
    """On top of what reading the circuit may use. The other qubits take nothing."""
    size = ProgramSize(qubits=5_000, part=part, operations=operations)
    assert granted(size, shots, memory_bytes_max=PLENTY) == READING + more


@pytest.mark.parametrize(
    ("part", "operations", "shots", "small"),
    [
        (19, 0, 0, True),
        (20, 0, 0, False),
        (1, 8_388, 0, True),
        (1, 8_389, 0, False),
        (1, 0, 67_108, True),
        (1, 0, 67_109, False),
    ],
)
def test_a_program_is_small_up_to_an_eighth_of_what_its_reading_may_use(
    part: int,
    operations: int,
    shots: int,
    small: bool,  # noqa: FBT001
) -> None:
    """32 MB, by amplitudes, operations and shots together."""
    assert is_small(ProgramSize(qubits=1, part=part, operations=operations), shots) is small


@pytest.mark.parametrize("part", [24, 60, 61, 10_000])
def test_no_grant_is_above_the_limit_on_an_execution(part: int) -> None:
    """Neither is one for more qubits than any machine has bytes."""
    size = ProgramSize(qubits=part, part=part, operations=1)
    assert granted(size, 1, memory_bytes_max=448 << 20) == 448 << 20
    assert granted(size, 1, memory_bytes_max=100 << 20) == 100 << 20


@pytest.mark.parametrize("name", ["qubits", "part", "operations"])
def test_a_size_below_nothing_is_no_answer(name: str) -> None:
    """A child may write anything."""
    size = {"qubits": 1, "part": 1, "operations": 1, name: -1}
    with pytest.raises(ValueError, match="Expected `int` >= 0"):
        answer_decoder.decode(str({"number": 1, "needs": size}).replace("'", '"'))
