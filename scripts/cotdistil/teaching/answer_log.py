"""Answers on disk: JSON Lines that grow by whole lines, survive a kill, and are used again."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import shutil
import time
from collections.abc import Iterable, Iterator
from math import gcd
from pathlib import Path
from typing import BinaryIO

from cotdistil.errors import UserError
from cotdistil.store import VALIDATIONS, write_atomically

LOG = "responses.jsonl"
LOGS = {"responses": LOG, "pruned": VALIDATIONS}  # by stage
FAILED = "failed.jsonl"  # beside it: the questions without an answer
SYNC_SECONDS = 0.2
_ID = re.compile(rb'\{"id": "([0-9a-f]+#[0-9]+)"')


def answer_id(question: str, sample: int) -> str:
    """The name of one answer: it is about a question's text, in whatever problem set it stands."""
    return f"{hashlib.sha256(question.encode()).hexdigest()[:20]}#{sample}"


class AnswerLog:
    """The answers in one file, each found by its id; a context manager.

    A row is a dict with an `id`. Rows are on the disk within SYNC_SECONDS, and out of this process
    at once. A line that a kill left half-written, or that is damaged, is taken out and counted in
    `damaged`: its question is asked again.
    """

    def __init__(self, path: Path):
        self.path = path
        self.damaged = 0
        self._places: dict[str, int] = {}
        self._synced = 0.0

    def __enter__(self) -> AnswerLog:
        self.path.touch()
        if self.path.stat().st_nlink > 1:
            _copy_apart(self.path)
        self._read()
        self._file = self.path.open("ab")
        self._reader = self.path.open("rb")
        return self

    def __exit__(self, *_: object) -> None:
        os.fsync(self._file.fileno())
        self._file.close()
        self._reader.close()

    def __contains__(self, id_: str) -> bool:
        return id_ in self._places

    def __len__(self) -> int:
        return len(self._places)

    def ids(self) -> list[str]:
        """The ids of all rows, in the order in which they were written."""
        return list(self._places)

    def row(self, id_: str) -> dict:
        """The row with this id. Raises KeyError if there is none."""
        self._reader.seek(self._places[id_])
        return json.loads(self._reader.readline())

    def rows(self) -> Iterator[dict]:
        """Every row, in the order in which they were written."""
        for id_ in self.ids():
            yield self.row(id_)

    def append(self, row: dict) -> None:
        """Write one row. Raises ValueError if its id is there already."""
        if row["id"] in self._places:
            raise ValueError(f"the answer {row['id']} is in {self.path} already")
        place = self._file.tell()
        # ASCII escapes: no line separator of a text can split its line.
        self._file.write(json.dumps({"id": row["id"], **row}).encode("ascii") + b"\n")
        self._file.flush()
        if time.monotonic() - self._synced >= SYNC_SECONDS:
            os.fsync(self._file.fileno())
            self._synced = time.monotonic()
        self._places[row["id"]] = place

    def _read(self) -> None:
        """Find the rows of an earlier run; a file with damaged lines is written anew."""
        places: dict[str, int] = {}
        sound: list[tuple[int, int]] = []
        place = 0
        with self.path.open("rb") as file:
            for line in file:
                id_ = _sound_id(line)
                if id_ is None or id_ in places:
                    self.damaged += 1
                else:
                    places[id_] = place
                    sound.append((place, len(line)))
                place += len(line)
        if self.damaged:
            places = self._write_anew(sound, list(places))
        self._places = places

    def _write_anew(self, sound: list[tuple[int, int]], ids: list[str]) -> dict[str, int]:
        part = self.path.with_suffix(".part")
        places: dict[str, int] = {}
        with self.path.open("rb") as source, part.open("wb") as target:
            for id_, (place, size) in zip(ids, sound, strict=True):
                source.seek(place)
                places[id_] = target.tell()
                target.write(source.read(size))
            target.flush()
            os.fsync(target.fileno())
        part.replace(self.path)
        return places


def _copy_apart(path: Path) -> None:
    """Make a file its own copy: what an artefact shares with it must not grow."""
    part = path.with_suffix(".part")
    shutil.copyfile(path, part)
    part.replace(path)


def _sound_id(line: bytes) -> str | None:
    """The id of a whole row, None for anything else."""
    if not line.endswith(b"\n"):
        return None
    try:
        row = json.loads(line)
    except ValueError:
        return None
    id_ = row.get("id") if isinstance(row, dict) else None
    return id_ if isinstance(id_, str) else None


class AnswerArchive:
    """Answers in several logs, read only; an id may stand in more than one of them.

    files: the logs, opened; `close` closes them. Their jobs may still be writing: see `read_on`.
    """

    def __init__(self, files: Iterable[BinaryIO]):
        self._files = list(files)
        self._read = [0] * len(self._files)
        self._places: dict[str, tuple[int, int]] = {}
        self.read_on()

    def read_on(self) -> None:
        """Find what the logs have more than they had."""
        for number, file in enumerate(self._files):
            file.seek(self._read[number])
            for line in file:
                if not line.endswith(b"\n"):
                    break
                found = _ID.match(line)
                if found and line.endswith(b"}\n"):
                    self._places.setdefault(found[1].decode(), (number, self._read[number]))
                self._read[number] += len(line)

    def __contains__(self, id_: str) -> bool:
        return id_ in self._places

    def row(self, id_: str) -> dict:
        """The row with this id. Raises KeyError if there is none, `UserError` if it is damaged."""
        number, place = self._places[id_]
        file = self._files[number]
        file.seek(place)
        try:
            return json.loads(file.readline())
        except ValueError:
            raise UserError(
                f"{file.name}: the line at byte {place} is damaged; expected a JSON object; delete"
                f" {Path(file.name).parent} and run again"
            ) from None

    def close(self) -> None:
        for file in self._files:
            file.close()


def open_known_logs(store: Path, stage: str, own_key: str, params: dict) -> Iterator[BinaryIO]:
    """The logs of others that hold answers decided by the same; notes `own_key` as one of them.

    They are those of finished artefacts of `stage` and of jobs that were killed or are at work.
    params: of the node. `answers` is the key of what decides one answer; `shard` and `shards` say
    which part of the questions is asked, where it is not all of them.
    """
    own_note = store / "answers" / params["answers"] / own_key
    write_atomically(own_note, f"{params.get('shard', 0)} {params.get('shards', 1)}")
    for note in notes_of_others(store, own_key, params):
        # A job that ends publishes its log before it removes it from its work folder.
        for place in ("work", stage):
            with contextlib.suppress(FileNotFoundError):
                yield (store / place / note.name / LOGS[stage]).open("rb")
                break


def notes_of_others(store: Path, own_key: str, params: dict) -> Iterator[Path]:
    """A file for each artefact, by key, that may hold an answer which this one asks for too.

    Of equal shares of the questions, or of shares of shares, none can hold one of another's.
    """
    for note in sorted((store / "answers" / params["answers"]).glob("[!.]*")):
        shard, shards = map(int, note.read_text().split())
        own_shard, own_shards = params.get("shard", 0), params.get("shards", 1)
        may_share = (shard - own_shard) % gcd(shards, own_shards) == 0
        if may_share and note.name != own_key:
            yield note
