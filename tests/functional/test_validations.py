"""`POST /validations`: mistakes with their places, before anything is paid for."""

from __future__ import annotations

from typing import Any

import pytest

from tests.functional.conftest import Answer, Api
from tests.functional.problems import assert_problem
from tests.support.circuits import KNOWN

HEAD = 'OPENQASM 3.0;\ninclude "stdgates.inc";\n'


def validate(api: Api, circuit: str, **fields: Any) -> Answer:  # noqa: ANN401 - a task's fields
    """Ask what is known of a circuit."""
    return api.request("POST", "/validations", {"circuit": circuit, **fields})


def errors_of(answer: Answer) -> list[tuple[int | None, int | None]]:
    """Return the places of the errors."""
    assert answer.status == 200, answer.body
    return [(f["line"], f["column"]) for f in answer.body["findings"] if f["severity"] == "error"]


def test_a_good_circuit_is_valid_with_registers_and_cost(api: Api) -> None:
    """No task is made."""
    answer = validate(api, HEAD + "qubit[2] q;\nbit[2] c;\nh q[0];\ncx q[0], q[1];\nc = measure q;")
    assert answer.status == 200
    assert answer.body["valid"] is True
    assert answer.body["findings"] == []
    assert answer.body["registers"] == [{"name": "c", "size": 2}]
    assert answer.body["qubits"] == 2
    assert answer.body["estimate"]["fits"] is True
    assert answer.body["estimate"]["gates"] == 2
    assert (api.items(), api.messages()) == ([], 0)


def test_what_does_not_fit_is_said(api: Api) -> None:
    """It may run all the same, where it falls apart."""
    answer = validate(api, HEAD + "qubit[60] q;\nbit[60] c;\nh q;\nc = measure q;")
    assert answer.body["valid"] is True
    assert answer.body["estimate"] == {
        "gates": 60,
        "memory_bytes": None,
        "seconds": None,
        "fits": False,
    }


#: A mistake, and the line and column where it is.
MISTAKES = [
    ("qubit q;\nbit c;\nc = measure r;", (5, 13)),
    ("qubit q;\nqubit q;\nbit c;\nc = measure q;", (4, 7)),
    ("qubit q;\nbit[2] c;\nc[2] = measure q;", (5, 3)),
    ("qubit q;\nbit c;\nrx q;\nc = measure q;", (5, 1)),
    ("qubit q;\nbit c;\nrx(1, 2) q;\nc = measure q;", (5, 1)),
    ("qubit q;\nbit c;\nh q, q;\nc = measure q;", (5, 6)),
    ("qubit[2] q;\nbit c;\ncx q[0];\nc = measure q[0];", (5, 1)),
    ("qubit q;\nbit c;\nconst int n = m;\nc = measure q;", (5, 15)),
    ("qubit q;\nbit c;\nfor int i in [0:2] { x p; }\nc = measure q;", (5, 24)),
    ("qubit q;\nbit c;\nif (d == 1) { x q; }\nc = measure q;", (5, 5)),
    ("qubit q;\nbit c;\nc = measure q;\n}", (6, 1)),
    ("qubit q;\nbit c;\nc = measure q;\nh q[", (6, 4)),
    ("qubit[3] q;\nbit[2] c;\nc = measure q;", (5, 1)),
    ("qubit[2] q;\nbit c;\nlet a = q[0:3];\nx a;\nc = measure q[0];", (5, 11)),
    ("qubit q;\nbit c;\ngate g a { h b; }\ng q;\nc = measure q;", (5, 14)),
    ("qubit q;\nbit c;\ndef f(qubit a) -> bit { return measure b; }\nc = f(q);", (5, 40)),
    ("qubit[2] q;\nbit c;\nfor int i in [0:1] { cx q[i], q[1]; }\nc = measure q[0];", (5, 31)),
    ("qubit[2] q;\nbit c;\nhh q[0];\nc = measure q[0];", (5, 1)),
    ("qubit[2] q;\nbit c;\nh q[2];\nc = measure q[0];", (5, 5)),
    ("qubit[2] q;\nbit c;\nh q[0]\nc = measure q[0];", (6, 1)),
    ("qubit[2] q;\nbit c;\ncx q[0], q[0];\nc = measure q[0];", (5, 10)),
    ("qubit[2] q;\nbit c;\nx r;\nc = measure q[0];", (5, 3)),
]


@pytest.mark.parametrize(("body", "place"), MISTAKES)
def test_a_mistake_is_named_with_line_and_column(
    api: Api, body: str, place: tuple[int, int]
) -> None:
    """Both count from 1; the header takes the first two lines."""
    answer = validate(api, HEAD + body)
    assert answer.body["valid"] is False
    assert place in errors_of(answer)


def test_every_circuit_that_runs_is_valid(api: Api) -> None:
    """Odd but legal spellings too."""
    refused = {
        known.name: answer.body["findings"]
        for known in KNOWN
        if not (answer := validate(api, known.text)).body["valid"]
    }
    assert refused == {}


def test_a_circuit_that_measures_nothing_is_not_valid(api: Api) -> None:
    """There would be nothing to count; it has no place."""
    answer = validate(api, HEAD + "qubit q;\nh q;")
    assert errors_of(answer) == [(None, None)]


@pytest.mark.parametrize(
    "circuit",
    [
        "/* " * 60_000,
        "(" * 20_000,
        "const uint n = 2 ** 1000000000;\nbit[n] c;",
        "const float a = 9 ** 9 ** 9 ** 9;\nbit c;",
        "int x = 1" + "+1" * 15_000 + ";",
        "qubit[1000000000] q;",
        HEAD + "qubit q; bit c; " + "h q; " * 100_000 + "foo q; c = measure q;",
        'include "/etc/passwd";',
        "\x00\x01\x02",
    ],
)
def test_a_hostile_text_has_an_answer(api: Api, circuit: str) -> None:
    """Whatever it is, the answer comes within the bounds of a child, and the next one too."""
    answer = validate(api, circuit)
    assert answer.status == 200
    assert answer.body["findings"]
    assert len(str(answer.body)) < 20_000
    assert validate(api, HEAD + "qubit q; bit c; c = measure q;").body["valid"] is True


def test_a_request_that_is_wrong_is_a_400_as_for_a_task(api: Api) -> None:
    """The body is a task's body."""
    assert_problem(validate(api, "", shots=0), 400, "circuit", "shots")
