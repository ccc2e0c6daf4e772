"""The description of the API: valid, complete, and what the service really answers."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import msgspec
import pytest
from openapi_spec_validator import validate

import app as lambda_functions
from chalicelib.entrypoints.http import examples, schemas
from chalicelib.entrypoints.http.openapi import OPERATIONS, document
from chalicelib.entrypoints.http.problems import KINDS
from chalicelib.executors import simulator
from tests.functional.conftest import Api
from tools import openapi

DOCUMENT = document()


def check(value: object, schema: dict[str, Any]) -> None:
    """Check a value against a schema of the document."""
    whole = {**schema, "components": DOCUMENT["components"]}
    jsonschema.Draft202012Validator(whole).validate(value)


def test_the_document_is_openapi_and_the_service_answers_it(api: Api) -> None:
    """Version 3.1, with a validator for those who ask again."""
    answer = api.request("GET", "/openapi.json")
    assert answer.status == 200
    assert answer.body == json.loads(json.dumps(DOCUMENT))
    assert answer.body["openapi"] == "3.1.0"
    validate(answer.body)
    again = api.request("GET", "/openapi.json", headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status == 304


def test_the_files_in_docs_are_what_the_code_would_write() -> None:
    """`make docs` writes them."""
    assert json.loads(openapi.DOCUMENT.read_text()) == json.loads(json.dumps(DOCUMENT))
    assert openapi.PAGE.read_text() == openapi.page(DOCUMENT)
    assert "http://" not in openapi.PAGE.read_text()
    assert "<script" not in openapi.PAGE.read_text()


def test_every_route_is_described_and_nothing_else() -> None:
    """With exactly its methods."""
    routes = {
        (path, method.lower())
        for path, methods in lambda_functions.app.routes.items()
        for method in methods
    }
    described = {(path, method) for path, item in DOCUMENT["paths"].items() for method in item}
    assert described == routes


def test_every_problem_is_described_where_it_may_come() -> None:
    """Each type of the table of problems is an answer of some call."""
    described = {
        (int(status), slug)
        for item in DOCUMENT["paths"].values()
        for operation in item.values()
        for status, response in operation["responses"].items()
        for slug in response.get("content", {})
        .get("application/problem+json", {})
        .get("examples", {})
    }
    assert {(status, slug) for status, slug, _ in KINDS.values()} <= described


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_every_example_is_what_its_schema_says(operation: Any) -> None:  # noqa: ANN401
    """So a client's models can be tried on them."""
    described = DOCUMENT["paths"][operation.path][operation.method]
    bodies = [*described["responses"].values()]
    if "requestBody" in described and operation.name != "submitBatch":
        bodies.append(described["requestBody"])
    seen = 0
    for body in bodies:
        for media in body.get("content", {}).values():
            for example in media["examples"].values():
                check(example["value"], media["schema"])
                seen += 1
    assert seen
    for kind in operation.answers[:1]:
        assert msgspec.convert(operation.example, kind)


def test_the_result_of_the_example_is_what_the_executor_counts() -> None:
    """Its name, its version and its seed too."""
    result = simulator.build().execute(
        schemas.PostTask(**examples.POST_TASK).to_request(), time_limit_seconds=10
    )
    assert json.loads(msgspec.json.encode(result)) == examples.TASK["result"]


def test_real_answers_are_what_the_document_says(api: Api) -> None:
    """From the submission to the end, and what goes wrong."""
    answers = {
        "submitTask": api.post({"circuit": "x", "tags": {"a": "b"}}),
        "listTasks": api.list_tasks(),
        "submitBatch": api.post_batch([{"circuit": "x"}, {}]),
        "validateCircuit": api.validate("x"),
        "getHealth": api.health(),
    }
    task_id = answers["submitTask"].body["task_id"]
    api.deliver()
    answers["getTask"] = api.get(task_id)
    answers["cancelTask"] = api.cancel(api.submit())
    for operation in OPERATIONS:
        if operation.name in answers:
            answer = answers[operation.name]
            described = DOCUMENT["paths"][operation.path][operation.method]["responses"]
            response = described[str(answer.status)]
            check(answer.body, response["content"]["application/json"]["schema"])
    wrong = api.post({})
    problems = DOCUMENT["paths"]["/tasks"]["post"]["responses"][str(wrong.status)]["content"]
    check(wrong.body, problems["application/problem+json"]["schema"])


def test_the_structs_describe_what_the_parser_takes() -> None:
    """Bounds stand in the schema: a generated client refuses what the service would."""
    shots = DOCUMENT["components"]["schemas"]["PostTask"]["properties"]["shots"]
    assert (shots["minimum"], shots["maximum"]) == (1, schemas.SHOTS_MAX)
    members = DOCUMENT["components"]["schemas"]["PostBatch"]["properties"]["tasks"]
    assert (members["minItems"], members["maxItems"]) == (1, schemas.BATCH_MEMBERS_MAX)
