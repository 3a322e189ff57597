"""The published schema: in step with the code, and true of the catalogue."""

import json
from pathlib import Path

import jsonschema

import policies
from policies.codec import read_catalogue
from policies.schema import published_schema, schema_text
from policies.writing import plain_file


def test_published_schema_is_in_step() -> None:
    file = Path(policies.__file__).parent / "data" / "policy.schema.json"
    assert file.read_text(encoding="utf-8") == schema_text()


def test_catalogue_satisfies_the_schema() -> None:
    validator = jsonschema.Draft202012Validator(published_schema())
    validator.check_schema(published_schema())
    catalogue, _ = read_catalogue([Path(policies.__file__).parent / "catalog"])
    for file in catalogue.files:
        plain = json.loads(json.dumps(plain_file(file), default=str))
        assert [error.message for error in validator.iter_errors(plain)] == []
