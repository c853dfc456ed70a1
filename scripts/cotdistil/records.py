"""The record.json of an artefact, as another stage reads it."""

import json
from pathlib import Path

from cotdistil.broken_files import broken, may_be_broken
from cotdistil.expected import first_fault


def read_record(folder: Path, kind: type = dict) -> dict:
    """The record of the artefact in `folder`.

    kind: a TypedDict of what is read of it. Raises `UserError` if it cannot be read or differs.
    """
    path = folder / "record.json"
    with may_be_broken(path, RecursionError):
        record = json.loads(path.read_text(encoding="utf-8"))
    if fault := first_fault(record, kind):
        raise broken(path, fault.text)
    return record
