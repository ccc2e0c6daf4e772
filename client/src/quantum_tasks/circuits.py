"""Takes a circuit however it is written: as text, or as another library's object.

Objects are known by what they can do, so none of those libraries is needed here.
"""

from __future__ import annotations

import sys
from typing import Any

from quantum_tasks.errors import UnsupportedCircuit


def text_of(circuit: object) -> str:
    """Return a circuit as OpenQASM.

    Raises:
        UnsupportedCircuit: it is none, or its library cannot write it as OpenQASM.
    """
    if isinstance(circuit, str):
        return circuit
    write = next((write for knows, write in _KINDS if knows(circuit)), None)
    if write is None:
        message = (
            "a circuit must be a string of OpenQASM, or a circuit of Qiskit, Cirq or Braket, "
            f"not {type(circuit).__module__}.{type(circuit).__qualname__}"
        )
        raise UnsupportedCircuit(message)
    try:
        text = write(circuit)
    except Exception as exc:
        message = f"the circuit cannot be written as OpenQASM: {exc}"
        raise UnsupportedCircuit(message) from exc
    if not isinstance(text, str):
        message = f"the circuit's OpenQASM is not a string but {type(text).__name__}"
        raise UnsupportedCircuit(message)
    return text


def _is_qiskit(circuit: Any) -> bool:  # noqa: ANN401 - anything
    return _comes_from(circuit, "qiskit") and hasattr(circuit, "clbits")


def _write_qiskit(circuit: Any) -> Any:  # noqa: ANN401
    """Write OpenQASM 3. Its exporter is there wherever such a circuit is."""
    return sys.modules["qiskit"].qasm3.dumps(circuit)


def _is_braket(circuit: Any) -> bool:  # noqa: ANN401
    return hasattr(circuit, "to_ir") and hasattr(circuit, "result_types")


def _write_braket(circuit: Any) -> Any:  # noqa: ANN401
    """Write OpenQASM 3, which Braket calls one of its intermediate representations."""
    ir_type = sys.modules["braket.circuits.serialization"].IRType
    return circuit.to_ir(ir_type=ir_type.OPENQASM).source


def _is_cirq(circuit: Any) -> bool:  # noqa: ANN401
    return hasattr(circuit, "to_qasm")


def _write_cirq(circuit: Any) -> Any:  # noqa: ANN401
    """Write OpenQASM 2, the version that every release of Cirq writes."""
    return circuit.to_qasm()


def _comes_from(circuit: object, package: str) -> bool:
    """Tell whether the object's class, or one that it inherits from, is the package's."""
    return any(kind.__module__.partition(".")[0] == package for kind in type(circuit).__mro__)


_KINDS = (
    (_is_qiskit, _write_qiskit),
    (_is_braket, _write_braket),
    (_is_cirq, _write_cirq),
)
