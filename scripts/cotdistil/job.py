"""What every command of the workflow starts and ends with: its manifest, its folders, its record.

A command reads its manifest and its parents' artefacts and nothing else. It keeps what must survive
a kill in `work`, puts the payload into `staging`, and publishes payload and record by one rename.
"""

import argparse
import contextlib
import errno
import fcntl
import hashlib
import json
import os
import platform
import re
import resource
import shutil
import sys
import time
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

from cotdistil.code_version import code_version
from cotdistil.early_cutoff import (
    content_digest,
    equal_artefact,
    inputs_digest,
    link_files,
    remember,
)
from cotdistil.errors import UserError
from cotdistil.progress import Progress
from cotdistil.records import read_record
from cotdistil.stages import STAGES
from cotdistil.store import (
    KEY_PATTERN,
    RECORD_COPY,
    load_manifest,
    parent_addresses,
    settings_path,
    write_atomically,
)


class Job:
    """One running command. See the module's docstring for how its folders are used.

    params: the resolved config of this artefact, every default written out.
    settings: how to go about it; empty where nothing is said. They decide nothing that comes out.
    work: a folder that survives kills; shards and checkpoints go here.
    staging: an empty folder for the payload.
    threads, gpus: what Snakemake granted.
    """

    def __init__(self, manifest_file: Path, out: Path, name: str, threads: int, gpus: int):
        if not manifest_file.exists():
            raise UserError(
                f"{manifest_file} is not there; it says what this job makes; Snakemake writes it"
                " when a run starts, unless it was told --no-hooks"
            )
        self.manifest = load_manifest(manifest_file)
        self.key = manifest_file.stem
        self.stage: str = self.manifest["stage"]
        self.params: dict = self.manifest["params"]
        self.name = name or self.key
        self.threads = threads
        self.gpus = gpus
        self.out = out
        # The output's folder is cleared before the artefact appears: no other may pass for it.
        expected = Path(self.stage, self.key, "record.json")
        is_key = re.fullmatch(KEY_PATTERN, self.key) is not None
        if not is_key or self.stage not in STAGES or Path(*out.parts[-3:]) != expected:
            raise UserError(
                f"--out: found {out}; expected a path that ends in store/{expected}, the place of"
                f" the artefact that {manifest_file} describes"
            )
        # The store's root is found from the output, so that a command also runs from elsewhere.
        self.store = out.parent.parent.parent
        self.work = self.store / "work" / self.key
        self.staging = self.store / "work" / f"{self.key}.staging"
        settings = settings_path(self.key, self.store)
        self.settings: dict = json.loads(settings.read_text()) if settings.exists() else {}
        self._started = time.monotonic()
        self._progress = Progress(self.stage, self.name)

    def parent(self, role: str) -> Path:
        """The folder of the one parent in `role`."""
        return self.store / self.manifest["parents"][role]

    def parent_list(self, role: str) -> list[Path]:
        """The folders of the parents in a role that has several, in the plan's order."""
        return [self.store / address for address in self.manifest["parents"][role]]

    def source(self, file_name: str) -> Path:
        """A local file that this artefact is made from, checked to be the one that was planned."""
        expected = self.manifest["files"][file_name]
        link = self.store / "files" / expected
        if not link.exists():
            raise UserError(
                f"the local file '{file_name}' (sha256 {expected[:12]}…) is no longer where it was"
                f" when this job was planned ({link} leads nowhere); run snakemake again"
            )
        with link.open("rb") as handle:
            found = hashlib.file_digest(handle, "sha256").hexdigest()
        if found != expected:
            raise UserError(
                f"{link.resolve()} changed after this job was planned: its sha256 is"
                f" {found[:12]}…, planned {expected[:12]}…; run snakemake again"
            )
        return link

    def progress(self, done: int, total: int, unit: str) -> None:
        """Say how far the job is; prints a line with the time left every few seconds at most."""
        self._progress.show(done, total, unit)

    def tell(self, text: str) -> None:
        """Print one line about this job on the terminal."""
        self._progress.tell(text)

    def publish(self, record: dict) -> None:
        """Make the artefact appear, whole: the payload in `staging` and its `record.json`."""
        record = {
            "stage": self.stage,
            "key": self.key,
            **record,
            "inputs": self._inputs,
            "content": content_digest(self.staging),
            "cost": {
                "seconds": round(time.monotonic() - self._started, 2),
                "cpu_seconds": round(_cpu_seconds(), 2),
                "gpus": self.gpus,
                "peak_memory_mb": round(_peak_memory_mb()),
            },
            "made_with": _versions(),
        }
        self._appear(record)

    def take_equal(self) -> bool:
        """Publish the artefact that was made of inputs with the same content, if there is one.

        One whose files are not what they were when it was made is left alone.
        """
        equal = equal_artefact(self._inputs, self.store) if self._inputs else None
        if equal is None or equal == f"{self.stage}/{self.key}":
            return False
        record = read_record(self.store / equal)
        link_files(self.store / equal, self.staging)
        if content_digest(self.staging) != record["content"]:
            self.tell(f"the files of {equal} are not what they were; this one is made anew")
            _prepare(self)
            return False
        self._appear({**record, "key": self.key, "same_as": record.get("same_as", equal)})
        self.tell(f"the same as {equal}, which was made from inputs with the same content")
        return True

    @cached_property
    def _inputs(self) -> str | None:
        """Of a stage that is taken over by content, what its inputs held when the job began."""
        by_content = STAGES[self.stage].by_content
        return inputs_digest(self.manifest, self.store) if by_content else None

    def _appear(self, record: dict) -> None:
        text = json.dumps(record, indent=1, ensure_ascii=False) + "\n"
        for name in (RECORD_COPY, self.out.name):
            (self.staging / name).write_text(text)
        _sync_folder(self.staging)
        folder = self.out.parent
        if folder.exists():
            # The records go first: without them, what is left of an older try counts as nothing.
            self.out.unlink(missing_ok=True)
            (folder / RECORD_COPY).unlink(missing_ok=True)
            shutil.rmtree(folder)
        folder.parent.mkdir(parents=True, exist_ok=True)
        self.staging.rename(folder)
        if self._inputs is not None:
            remember(self._inputs, f"{self.stage}/{self.key}", self.store)
        shutil.rmtree(self.work, ignore_errors=True)
        self._progress.done()


@contextlib.contextmanager
def run_job(description: str | None, argv: list[str] | None = None) -> Iterator[Job]:
    """Parse the command line that all commands share and hand out the job.

    A `UserError` ends the command with one clear message and exit status 1. An artefact that is
    there already, because a job outlived the run that started it, is taken over: exit status 0.
    """
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--manifest", type=Path, required=True, help="the artefact's manifest")
    parser.add_argument("--out", type=Path, required=True, help="the record.json to publish")
    parser.add_argument("--name", default="", help="what to call the artefact in messages")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--gpus", type=int, default=0)
    arguments = parser.parse_args(argv)
    # Read when torch is first imported: threads that spin while they wait take the time of others.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    os.environ["OMP_NUM_THREADS"] = str(arguments.threads)
    try:
        job = Job(
            arguments.manifest, arguments.out, arguments.name, arguments.threads, arguments.gpus
        )
        _check(job)
        with job_lock(job):
            if _take_over(job):
                raise SystemExit(0)
            _prepare(job)
            if job.take_equal():
                raise SystemExit(0)
            yield job
    except UserError as error:
        _fail(arguments.name or arguments.manifest.stem, str(error))
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        _fail(
            arguments.name or arguments.manifest.stem,
            f"no space left while writing {error.filename or arguments.out}; free some and rerun",
        )


def _fail(name: str, message: str) -> None:
    text = f"error: {name}: {message}"
    print(text, file=sys.stderr, flush=True)
    print(text, flush=True)
    raise SystemExit(1)


def _check(job: Job) -> None:
    """Stop if the code or the parents are not what the manifest was made for."""
    variant = STAGES[job.stage].variant(job.params)
    found = code_version(job.stage, variant)
    if found != job.manifest["code"]:
        raise UserError(
            f"the code of stage '{job.stage}' changed after this job was planned: found version"
            f" {found}, planned {job.manifest['code']}; run snakemake again to plan with the code"
            " as it is now"
        )
    for address in parent_addresses(job.manifest):
        record = job.store / address / "record.json"
        if not record.exists():
            raise UserError(
                f"{record} is not there; it is an input of this job; run snakemake, which makes"
                " inputs before what needs them"
            )


@contextlib.contextmanager
def job_lock(job: Job) -> Iterator[None]:
    """Hold the artefact's lock, so that no two processes make it at once.

    A run that was killed can leave a job behind that still works; the next run's job waits for it.
    """
    path = job.store / "work" / "locks" / job.key
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            job.tell("being made by another process, which an earlier run left; waiting for it")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _take_over(job: Job) -> bool:
    """Restore the record of an artefact that is whole.

    Its folder appeared by one rename, so the copy of the record in it says that all of it is there;
    Snakemake removes only the record itself when it counts a job as not finished.
    """
    folder = job.out.parent
    copy = folder / RECORD_COPY
    if not copy.exists():
        return False
    if not job.out.exists():
        write_atomically(job.out, copy.read_text())
    job.tell(f"already made; clean_store.py --remake {job.stage}/{job.key} has it made again")
    return True


def _prepare(job: Job) -> None:
    if job.staging.exists():
        shutil.rmtree(job.staging)
    job.staging.mkdir(parents=True)
    job.work.mkdir(parents=True, exist_ok=True)


def _sync_folder(folder: Path) -> None:
    for path in folder.rglob("*"):
        if path.is_file():
            with path.open("rb") as handle:
                os.fsync(handle.fileno())


def _cpu_seconds() -> float:
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def _peak_memory_mb() -> float:
    """The largest resident set of this process or of any one child, in MB."""
    return max(
        resource.getrusage(who).ru_maxrss / 1024
        for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )


def _versions() -> dict[str, str]:
    """The versions of the libraries that this command has loaded."""
    names = ("torch", "transformers", "trl", "vllm", "datasets", "pandas", "peft", "sympy")
    loaded = {name: sys.modules[name] for name in names if name in sys.modules}
    versions = {name: str(getattr(module, "__version__", "?")) for name, module in loaded.items()}
    return {"python": platform.python_version(), **versions}
