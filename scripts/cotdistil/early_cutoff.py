"""An artefact whose inputs have the content of another's is that other one: it is not made again.

Keys say what an artefact was made from, so a benchmark that is added changes the key of every
training set that is screened for it, and of all that is trained on them. If screening then finds
nothing new, the training sets have the bytes that they had, and what hangs on them is linked from
where it lies instead of being trained, pruned and sampled again.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path

from cotdistil.records import read_record
from cotdistil.store import RECORD_COPY, VALIDATIONS, canonical_json, write_atomically

RECORDS = ("record.json", RECORD_COPY)
NO_CONTENT = (*RECORDS, VALIDATIONS)


def content_digest(folder: Path) -> str:
    """A hash over the names and bytes of an artefact's files, but for records and logs."""
    digest = hashlib.sha256()
    for file in sorted(folder.rglob("*")):
        if file.is_file() and file.name not in NO_CONTENT:
            with file.open("rb") as handle:
                of_file = hashlib.file_digest(handle, "sha256").hexdigest()
            digest.update(f"{file.relative_to(folder).as_posix()}\0{of_file}\0".encode())
    return digest.hexdigest()


def inputs_digest(manifest: dict, store: Path) -> str | None:
    """A hash of all that decides an artefact, with its parents by content instead of by key.

    None if the content of a parent is not known.
    """
    contents: dict[str, list[str | None]] = {}
    for role, parents in manifest["parents"].items():
        addresses = [parents] if isinstance(parents, str) else parents
        contents[role] = [_content(store / address) for address in addresses]
        if None in contents[role]:
            return None
    return hashlib.sha256(canonical_json({**manifest, "parents": contents}).encode()).hexdigest()


def remember(digest: str, address: str, store: Path) -> None:
    """Note which artefact was made of these inputs."""
    write_atomically(_note(digest, store), address)


def equal_artefact(digest: str, store: Path) -> str | None:
    """The address of an artefact made of inputs with this content, if it is still there.

    The artefact's own record decides: since the note was written, it may have been made again, of
    inputs that were made again with another content.
    """
    note = _note(digest, store)
    if not note.exists():
        return None
    address = note.read_text()
    record = store / address / "record.json"
    if not record.exists() or read_record(record.parent).get("inputs") != digest:
        return None
    return address


def link_files(source: Path, target: Path) -> None:
    """Put an artefact's files into `target`, as hard links where the file system has them."""
    for file in sorted(source.rglob("*")):
        if file.is_file() and file.name not in RECORDS:
            place = target / file.relative_to(source)
            place.parent.mkdir(parents=True, exist_ok=True)
            link_file(file, place)


def link_file(source: Path, target: Path) -> None:
    """One more name for a file, or a copy of it where the file system has no hard links."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def _content(folder: Path) -> str | None:
    return read_record(folder).get("content")


def _note(digest: str, store: Path) -> Path:
    return store / "by_inputs" / digest
