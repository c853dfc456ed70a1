"""The content-addressed store: where an artefact lies, what its key is made of, and its manifest.

A key is a hash of everything that decides an artefact's content and of nothing else. The manifest
holds exactly that. It is written once, before the first job of a run, and never changed: a job
reads its manifest and nothing else of the config.
"""

import hashlib
import json
import os
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from cotdistil.errors import UserError

STORE = Path("results/store")
KEY_LENGTH = 20
RECORD_COPY = ".record.json"  # beside record.json, which Snakemake may remove
# What a student answered while its traces were pruned: kept to be used again, and none of what the
# artefact is to those that are made from it.
VALIDATIONS = "validations.jsonl"
KEY_PATTERN = f"[0-9a-f]{{{KEY_LENGTH}}}"


def canonical_json(value: object) -> str:
    """One text for one value: keys sorted, no spaces, floats as Python's shortest repr."""
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )


@dataclass(frozen=True)
class Node:
    """One artefact of the plan.

    stage: a key of `stages.STAGES`, and the artefact's folder in the store.
    params: the resolved config that decides the artefact, every default written out.
    parents: role -> the parent's address `stage/key`, or a list of addresses, in order.
    files: file name -> sha256 of each local file that the artefact is made from.
    code: the version of the stage's code.
    name, sources: what a person calls it, and where the local files lie (sha256 -> path); neither
    is part of the key, so a renamed arm and a moved file change nothing.
    settings: how the job goes about it without deciding what comes out, as where an endpoint is;
    not part of the key either.
    """

    stage: str
    params: dict
    parents: dict[str, str | list[str]] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    code: str = ""
    name: str = ""
    sources: dict[str, str] = field(default_factory=dict)
    settings: dict = field(default_factory=dict)

    @property
    def manifest(self) -> dict:
        """What the key is a hash of, and what the job reads."""
        return {
            "stage": self.stage,
            "params": self.params,
            "parents": self.parents,
            "files": self.files,
            "code": self.code,
        }

    @cached_property
    def key(self) -> str:
        digest = hashlib.sha256(canonical_json(self.manifest).encode()).hexdigest()
        return digest[:KEY_LENGTH]

    @property
    def address(self) -> str:
        """`stage/key`: how manifests and input functions name this artefact."""
        return f"{self.stage}/{self.key}"

    @property
    def parent_addresses(self) -> list[str]:
        return parent_addresses(self.manifest)


def parent_addresses(manifest: dict) -> list[str]:
    """Every parent of a manifest, each once, in the order of its roles."""
    addresses: list[str] = []
    for parent in manifest["parents"].values():
        addresses += [parent] if isinstance(parent, str) else parent
    return list(dict.fromkeys(addresses))


def record_path(address: str) -> str:
    """The one file that a rule declares: written last, so its presence means that all is there."""
    return f"{STORE}/{address}/record.json"


def source_path(sha256: str) -> Path:
    """A link to the local file with this content; every run points it to where the file is now."""
    return STORE / "files" / sha256


def manifest_path(key: str) -> Path:
    return STORE / "manifests" / f"{key}.json"


def settings_path(key: str, store: Path = STORE) -> Path:
    """What a job reads beside its manifest; every run writes it anew."""
    return store / "settings" / f"{key}.json"


def read_manifest(key: str) -> dict:
    """The manifest of `key`. Raises `UserError` if no run has planned it."""
    path = manifest_path(key)
    if not path.exists():
        raise UserError(
            f"{path}: found no such file; expected what a run planned; run snakemake again"
        )
    return load_manifest(path)


def load_manifest(path: Path) -> dict:
    """The manifest in a file. Raises `UserError` if it cannot be read."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(
            f"{path}: found {error}; expected the manifest that a run wrote; delete it and run"
            " snakemake again"
        ) from error


def write_atomically(path: Path, text: str) -> None:
    """Write `text` so that a reader, or a kill at any moment, sees the whole file or none of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    with part.open("w") as handle:
        handle.write(text)
        handle.flush()
        os.fsync(handle.fileno())
    part.replace(path)


def write_manifests(nodes: list[Node]) -> int:
    """Write the manifests that are not there yet; returns how many were written."""
    folder = STORE / "manifests"
    folder.mkdir(parents=True, exist_ok=True)
    present = {entry.name for entry in os.scandir(folder)}
    written = 0
    for node in nodes:
        if f"{node.key}.json" not in present:
            text = json.dumps(node.manifest, indent=1, sort_keys=True, ensure_ascii=False)
            write_atomically(manifest_path(node.key), text + "\n")
            written += 1
    return written
