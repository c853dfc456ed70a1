"""What a run writes down before its first job: manifests, names, links to local files, the plan.

Only the main process of a real run calls `begin_run`; jobs and dry runs read.
"""

import fcntl
import json
import os
import shutil
from pathlib import Path

import yaml

from cotdistil.config import Config
from cotdistil.errors import UserError
from cotdistil.plan import Plan
from cotdistil.store import (
    STORE,
    settings_path,
    source_path,
    write_atomically,
    write_manifests,
)

NAMES = STORE / "manifests" / "names.json"
_LEAST_FREE_BYTES = 500_000_000
_open_locks: list = []  # a lock lasts for as long as its file is open


def begin_run(config: Config, plan: Plan) -> None:
    """Write what the jobs of this run, and the next run's comparison, will read.

    Raises `UserError` if another run works here, if the results folder cannot be written, or if its
    disk is full.
    """
    check_results_folder(Path("results"))
    lock_results(Path("results"))
    nodes = list(plan.nodes.values())
    write_manifests(nodes)
    write_atomically(NAMES, _json({**read_names(), **{node.key: node.name for node in nodes}}))
    for node in nodes:
        for sha256, path in node.sources.items():
            _link(source_path(sha256), path)
        if node.settings:
            write_atomically(settings_path(node.key), _json(node.settings))
    folder = Path("results") / plan.experiment
    plan.remember_files()
    addresses = {address: node.name for address, node in plan.nodes.items()}
    write_atomically(folder / "plan.json", _json(addresses))
    resolved = yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False, allow_unicode=True)
    write_atomically(folder / "config.yaml", resolved)


def remove_stale_results(plan: Plan) -> None:
    """Remove named tables, figures and trace pages that show another config's results.

    They are copies; what they were copied from stays in the store. With the copies gone, Snakemake
    publishes those that the config asks for, whatever it remembers or forgot of earlier runs.
    """
    folder = Path("results") / plan.experiment
    if folder.exists() and not Path(plan.marker).exists():
        lock_results(Path("results"))
        for part in ("tables", "figures", "traces"):
            shutil.rmtree(folder / part, ignore_errors=True)


def read_names() -> dict[str, str]:
    """Key -> what a person calls the artefact, for every artefact that a run has planned."""
    return json.loads(NAMES.read_text()) if NAMES.exists() else {}


def read_last_plan(experiment: str) -> dict[str, str]:
    """Address -> name in the last run of an experiment; empty if there was none."""
    path = Path("results") / experiment / "plan.json"
    return json.loads(path.read_text()) if path.exists() else {}


def check_results_folder(folder: Path) -> None:
    """Raise `UserError` if nothing can be written to `folder`, or hardly anything."""
    probe = folder / f".write-test-{os.getpid()}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe.write_bytes(b"0")
        probe.unlink()
    except OSError as error:
        raise UserError(
            f"{folder.absolute()}: cannot be written ({error.strerror}); results go there; make it"
            " writable, or run from a checkout where it is"
        ) from None
    free = shutil.disk_usage(folder).free
    if free < _LEAST_FREE_BYTES:
        raise UserError(
            f"{folder.absolute()}: {free / 1e6:.0f} MB free; a run needs at least"
            f" {_LEAST_FREE_BYTES / 1e6:.0f} MB; free some, or put 'results' on a larger disk"
        )


def lock_results(folder: Path) -> None:
    """Take the folder's lock until this process ends, in whatever way. Raises `UserError` if taken.

    Snakemake's own lock outlives a kill and has to be removed by hand, so the profile turns it off.
    """
    if _open_locks:
        return
    handle = (folder / ".lock").open("a+")
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        handle.seek(0)
        raise UserError(
            f"{folder.absolute()}: another run (process {handle.read().strip()}) works here; wait"
            " for its end, or work in another checkout"
        ) from None
    handle.truncate(0)
    handle.write(str(os.getpid()))
    handle.flush()
    _open_locks.append(handle)


def _link(link: Path, target: str) -> None:
    link.parent.mkdir(parents=True, exist_ok=True)
    if link.is_symlink() and os.readlink(link) == target:
        return
    part = link.with_name(f".{link.name}.{os.getpid()}")
    part.symlink_to(target)
    part.replace(link)


def _json(value: object) -> str:
    return json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
