"""The indexes that the model names are those that are deployed."""

from __future__ import annotations

from typing import Any

import pytest
from cfnlint.decode import cfn_yaml

from chalicelib.adapters.dynamodb.items import OpenTasksIndex, TasksByOwnerIndex
from infra.local.settings import ROOT


def _table() -> Any:  # noqa: ANN401 - a template
    template = cfn_yaml.load(str(ROOT / "infra" / "templates" / "data.yaml"))
    (table,) = (
        resource["Properties"]
        for resource in template["Resources"].values()
        if resource["Type"] == "AWS::DynamoDB::Table"
    )
    return table


def _keys(schema: Any) -> list[tuple[str, str]]:  # noqa: ANN401 - what pynamodb would send
    return sorted((str(key["AttributeName"]), str(key["KeyType"])) for key in schema)


@pytest.mark.parametrize("index", [OpenTasksIndex, TasksByOwnerIndex])
def test_an_index_of_the_model_has_the_keys_of_the_deployed_one(index: Any) -> None:  # noqa: ANN401
    """By its name: attributes, and which of them is the hash key."""
    deployed = {each["IndexName"]: each for each in _table()["GlobalSecondaryIndexes"]}
    schema = index._get_schema()["key_schema"]  # noqa: SLF001 - there is no public way
    assert _keys(schema) == _keys(deployed[index.Meta.index_name]["KeySchema"])
