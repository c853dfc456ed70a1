"""The schema and the reference that are generated from the config's types."""

import json
from pathlib import Path

import jsonschema
import pytest
import yaml

from document_config import SECTIONS, reference, schema, section_named, with_reference

CONFIG = Path(__file__).parents[2] / "config"


def test_the_files_in_the_repository_are_in_step_with_the_types():
    assert (CONFIG / "schema.json").read_text() == schema()
    readme = (CONFIG / "README.md").read_text()
    assert with_reference(readme) == readme


def test_the_schema_accepts_the_quickstart_and_refuses_a_misspelt_key():
    config = yaml.safe_load((CONFIG / "config.yaml").read_text())
    validator = jsonschema.validators.validator_for(json.loads(schema()))
    validator(json.loads(schema())).validate(config)
    config["experimnt"] = config.pop("experiment")
    with pytest.raises(jsonschema.ValidationError):
        validator(json.loads(schema())).validate(config)


def test_the_reference_explains_every_key_of_every_section():
    text = reference()
    for name in SECTIONS:
        for key in section_named(name).model_fields:
            assert f"| `{key}` |" in text
