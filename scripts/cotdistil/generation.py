"""Generation that survives a kill: fixed shards of requests, each a file written whole or not."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path

from cotdistil.engines import Engine, Sampling

# Several full batches of either backend, so that the rows that finish last idle few others; small
# enough that a kill costs minutes.
SHARD_SIZE = 512

RESPONSE_KEYS = {"request_id", "response", "token_count", "finish_reason"}


def generate_sharded(
    engine: Engine | Callable[[], Engine],
    requests: Sequence[dict],
    sampling: Sampling,
    work: Path,
    shard_size: int = SHARD_SIZE,
    progress: Callable[[int, int], None] | None = None,
) -> list[dict]:
    """One response per request, in the requests' order; a rerun goes on where a kill left off.

    engine: a loaded engine, or what loads one: then it is called only if a shard is missing, and
    the engine is closed at the end.
    requests: `{"request_id": unique str, "prompt": token ids, "seed": int}`.
    work: a folder for these requests alone, with this sampling; shards are found there by number.
    progress: called with the number of responses there are, and of all.
    Returns `{"request_id", "response", "token_count", "finish_reason"}` per request.
    """
    if shard_size < 1:
        raise ValueError(f"shard_size is {shard_size}, expected at least 1")
    ids = [request["request_id"] for request in requests]
    if len(set(ids)) != len(ids):
        raise ValueError("request_id must be unique")
    work.mkdir(parents=True, exist_ok=True)
    # A shard's requests follow from the list alone, so that a rerun computes the same batches.
    begins = range(0, len(requests), shard_size)
    shards = [requests[begin : begin + shard_size] for begin in begins]
    files = [work / f"shard-{number:05d}.jsonl" for number in range(len(shards))]
    found = [read_shard(file, shard) for file, shard in zip(files, shards, strict=True)]
    done = sum(len(shard) for shard in found if shard is not None)

    loaded: Engine | None = None
    try:
        for number, shard in enumerate(shards):
            if found[number] is not None:
                continue
            if loaded is None:
                loaded = engine if hasattr(engine, "generate") else engine()

            def report(in_shard: int, before: int = done) -> None:
                if progress:
                    progress(before + in_shard, len(requests))

            found[number] = _generate_shard(loaded, shard, sampling, report)
            write_shard(files[number], found[number])
            done += len(shard)
    finally:
        if loaded is not None and loaded is not engine:
            loaded.close()
    return [response for shard in found for response in shard]


def read_shard(file: Path, shard: Sequence[dict]) -> list[dict] | None:
    """The responses of a finished shard, or None if the file is absent, damaged or of others."""
    try:
        responses = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    except (FileNotFoundError, ValueError):
        return None
    if not all(isinstance(row, dict) and row.keys() == RESPONSE_KEYS for row in responses):
        return None
    if [row["request_id"] for row in responses] != [row["request_id"] for row in shard]:
        return None
    return responses


def write_shard(file: Path, responses: Sequence[dict]) -> None:
    """Write a shard so that a kill at any moment leaves either the whole file or none."""
    temporary = file.with_suffix(".tmp")
    with temporary.open("w", encoding="utf-8") as handle:
        # ASCII escapes keep line separators such as U+2028 in a response from splitting its line.
        handle.writelines(json.dumps(response) + "\n" for response in responses)
        handle.flush()
        os.fsync(handle.fileno())
    temporary.rename(file)
    folder = os.open(file.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _generate_shard(
    engine: Engine, shard: Sequence[dict], sampling: Sampling, report: Callable[[int], None]
) -> list[dict]:
    completions = engine.generate(
        [request["prompt"] for request in shard],
        sampling,
        [request["seed"] for request in shard],
        report,
    )
    return [
        {
            "request_id": request["request_id"],
            "response": completion.text,
            "token_count": completion.token_count,
            "finish_reason": completion.finish_reason,
        }
        for request, completion in zip(shard, completions, strict=True)
    ]
