"""Public data sets and real model outputs, which lie in `shared/data` beside the checkout."""

import json
from pathlib import Path

import pytest

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


def real_data(name: str) -> Path:
    """The path of a data file, as in "problems/math_test.jsonl"; skips the test without it."""
    path = DATA / name
    if not path.is_file():
        pytest.skip(
            f"real data is not there: no {path}; the test needs shared/data by the checkout"
        )
    return path


def real_rows(name: str) -> list[dict]:
    """The rows of a JSON Lines data file; skips the test without it."""
    with real_data(name).open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]
