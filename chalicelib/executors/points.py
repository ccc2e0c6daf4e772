"""A request with a list of inputs: each object is a point, executed with all the shots."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import msgspec
from msgspec import structs

from chalicelib.domain import payloads
from chalicelib.domain.task import (
    PointResult,
    Register,
    TaskRequest,
    TaskResult,
    seed_of_point,
)
from chalicelib.domain.validation import Finding, Severity
from chalicelib.errors import PermanentExecutionError

Counts = Mapping[str, int]

OTHER_REGISTERS: Final = Finding(
    message="its registers are not those of inputs[0]; sizes cannot depend on inputs"
)


def seeds_of(request: TaskRequest) -> list[int]:
    """Return what the randomness of each point starts from."""
    seed = request.effective_seed
    return [seed_of_point(seed, number) for number in range(len(request.points))]


@contextlib.contextmanager
def named(request: TaskRequest, number: int) -> Iterator[None]:
    """Name a point of a list in the error that ends its execution."""
    try:
        yield
    except PermanentExecutionError as exc:
        if not isinstance(request.inputs, tuple):
            raise
        raise PermanentExecutionError(f"inputs[{number}]: {exc}") from exc


def named_findings(
    request: TaskRequest, number: int, findings: Sequence[Finding]
) -> tuple[Finding, ...]:
    """Name a point of a list in the findings that are errors."""
    if not isinstance(request.inputs, tuple):
        return tuple(findings)
    return tuple(
        structs.replace(finding, message=f"inputs[{number}]: {finding.message}")
        if finding.severity is Severity.ERROR
        else finding
        for finding in findings
    )


def warnings(request: TaskRequest, registers: Sequence[Register]) -> Iterator[Finding]:
    """Say that the results of all points may be too large, where they are in the worst case."""
    width = sum(register.size for register in registers) + len(registers) - 1
    kinds = min(request.shots, 2 ** min(width, 64))
    # A bit string with its quotes, which are escaped, a colon, its count and a comma.
    each = 2 + kinds * (width + len(str(request.shots // kinds)) + 6)
    room = Bounds(request).limit
    if isinstance(request.inputs, tuple) and each * len(request.inputs) > room:
        message = (
            f"the results of {len(request.inputs):,} points may take"
            f" {each * len(request.inputs):,} bytes in a response; with the circuit and its inputs"
            f" the limit is {room:,}, and an execution that passes it fails"
        )
        yield Finding(severity=Severity.WARNING, message=message)


class Bounds:
    """What the points of a request keep together: their registers, and the room of a response."""

    def __init__(self, request: TaskRequest) -> None:
        """Take what the circuit and its inputs leave."""
        text = payloads.circuit_to_text(request)
        #: In bytes.
        self.limit = payloads.ENCODED_BYTES_MAX - payloads.encoded_bytes(text)
        self._taken = 0
        self._registers: tuple[Register, ...] | None = None

    def check(self, counts: Counts, registers: tuple[Register, ...]) -> None:
        """Take the room of a point's counts.

        Raises:
            PermanentExecutionError: there is none left, or its registers are not the first one's.
        """
        if registers != (self._registers or registers):
            raise PermanentExecutionError(OTHER_REGISTERS.message)
        self._registers = registers
        self._taken += payloads.encoded_bytes(msgspec.json.encode(counts).decode())
        if self._taken > self.limit:
            message = (
                f"the results of the points so far take {self._taken:,} bytes in a response; with"
                f" the circuit and its inputs the limit is {self.limit:,}"
            )
            raise PermanentExecutionError(message)


def result_of(
    request: TaskRequest,
    counted: Sequence[Counts],
    *,
    seeds: Sequence[int],
    executor: str,
    executor_version: str,
    registers: tuple[Register, ...],
) -> TaskResult:
    """Return the result of a request from the counts of its points."""
    is_list = isinstance(request.inputs, tuple)
    results = tuple(
        PointResult(counts=counts, seed=seed) for counts, seed in zip(counted, seeds, strict=True)
    )
    return TaskResult(
        counts={} if is_list else counted[0],
        shots=request.shots,
        executor=executor,
        executor_version=executor_version,
        seed=seeds[0],
        registers=registers,
        points=results if is_list else None,
    )
