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
    try:
        text = _write(circuit)
    except UnsupportedCircuit:
        raise
    except Exception as exc:
        raise UnsupportedCircuit(f"the circuit cannot be written as OpenQASM: {exc}") from exc
    if not isinstance(text, str):
        kind = type(text).__name__
        raise UnsupportedCircuit(f"the circuit's OpenQASM is not a string but {kind}")
    return text


def _write(circuit: Any) -> Any:  # noqa: ANN401 - anything, of other libraries
    kinds = type(circuit).__mro__
    if isinstance(circuit, str):
        return circuit
    if hasattr(circuit, "clbits") and any(k.__module__.startswith("qiskit.") for k in kinds):
        return sys.modules["qiskit"].qasm3.dumps(circuit)
    if hasattr(circuit, "to_ir") and hasattr(circuit, "result_types"):  # Braket's, as OpenQASM 3
        ir_type = sys.modules["braket.circuits.serialization"].IRType
        return circuit.to_ir(ir_type=ir_type.OPENQASM).source
    if hasattr(circuit, "to_qasm"):  # Cirq's, as OpenQASM 2, which every release of it writes
        return circuit.to_qasm()
    raise UnsupportedCircuit(
        "a circuit must be a string of OpenQASM, or a circuit of Qiskit, Cirq or Braket, "
        f"not {kinds[0].__module__}.{kinds[0].__qualname__}"
    )
