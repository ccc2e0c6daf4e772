"""What `submit` takes as a circuit, and results read from it."""

from __future__ import annotations

import sys
import types

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantum_tasks import BadAnswer, Result, UnsupportedCircuit
from quantum_tasks.protocol.circuits import text_of
from quantum_tasks.values.reading import read


class Cirq:
    """Does what Cirq's circuits do."""

    def to_qasm(self) -> str:
        """Write OpenQASM 2."""
        return "OPENQASM 2.0;"


class Braket:
    """Does what Braket's circuits do."""

    result_types = ()

    def to_ir(self, ir_type: str) -> object:
        """Write one of Braket's representations."""
        return types.SimpleNamespace(source=f"OPENQASM 3.0; // {ir_type}")


class Broken:
    """Cannot be written."""

    def to_qasm(self) -> str:
        """Refuse."""
        message = "no gate for this"
        raise ValueError(message)


def test_texts_are_sent_as_they_are() -> None:
    """Byte for byte."""
    assert text_of(" OPENQASM 3.0;\r\n") == " OPENQASM 3.0;\r\n"


def test_circuits_of_other_libraries_are_written_by_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """Known by what they can do; Qiskit's are tested with Qiskit itself."""
    serialization = types.ModuleType("braket.circuits.serialization")
    serialization.IRType = types.SimpleNamespace(OPENQASM="OPENQASM")  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "braket.circuits.serialization", serialization)
    assert text_of(Cirq()) == "OPENQASM 2.0;"
    assert text_of(Braket()) == "OPENQASM 3.0; // OPENQASM"


@pytest.mark.parametrize("wrong", [None, 3, b"OPENQASM 3.0;", ["h q;"]])
def test_anything_else_is_refused_by_its_type(wrong: object) -> None:
    """The message says what was given; it is a TypeError, too."""
    with pytest.raises(UnsupportedCircuit, match=type(wrong).__name__):
        text_of(wrong)
    with pytest.raises(TypeError):
        text_of(wrong)


def test_a_library_that_cannot_write_its_circuit_says_why() -> None:
    """Its own reason is in the message."""
    with pytest.raises(UnsupportedCircuit, match="no gate for this"):
        text_of(Broken())


def result(counts: dict[str, int], *sizes: int) -> Result:
    """Read a result with registers r0, r1, … of these sizes."""
    registers = [{"name": f"r{n}", "size": size} for n, size in enumerate(sizes)]
    document = {"counts": counts, "shots": sum(counts.values()), "registers": registers}
    return read(Result, document)


def test_registers_are_read_from_the_right() -> None:
    """The last declared register is leftmost."""
    found = result({"01 1": 3, "10 1": 2, "01 0": 1}, 1, 2)
    assert found.for_register("r0").counts == {"0": 1, "1": 5}
    assert found.for_register("r1").counts == {"01": 4, "10": 2}
    assert found.most_likely == "01 1"
    assert found.top(2) == [("01 1", 3), ("10 1", 2)]
    assert found.probabilities() == {"01 1": 3 / 6, "10 1": 2 / 6, "01 0": 1 / 6}
    with pytest.raises(KeyError, match="r0, r1"):
        found.for_register("c")


@given(st.lists(st.integers(1, 20), min_size=1, max_size=4), st.data())
def test_each_registers_counts_add_up_to_the_shots(sizes: list[int], data: st.DataObject) -> None:
    """Summing over the others loses none."""
    bits = st.tuples(*(st.text("01", min_size=s, max_size=s) for s in reversed(sizes)))
    keys = st.dictionaries(bits.map(" ".join), st.integers(1, 9), min_size=1, max_size=6)
    found = result(data.draw(keys), *sizes)
    for number, size in enumerate(sizes):
        alone = found.for_register(f"r{number}")
        assert sum(alone.counts.values()) == found.shots
        assert {len(key) for key in alone.counts} == {size}


@pytest.mark.parametrize(
    "document",
    [
        {"counts": {"0": 1}, "shots": 2, "registers": []},
        {"counts": {}, "shots": 0, "registers": []},
        {"counts": {"00": 1}, "shots": 1, "registers": [{"name": "c", "size": 3}]},
        {"counts": {"0 0": 1}, "shots": 1, "registers": [{"name": "c", "size": 2}]},
        {"counts": {"0": "1"}, "shots": 1},
        {"counts": {"0": True}, "shots": 1},
        {"counts": {"0": 1}},
    ],
)
def test_a_result_that_does_not_fit_itself_is_refused(document: dict[str, object]) -> None:
    """Rather than show wrong bits."""
    with pytest.raises(BadAnswer):
        read(Result, document)
