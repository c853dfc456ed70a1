"""A store that a test makes by hand under its own folder, and the real commands run on it."""

import contextlib
import hashlib
import importlib
import io
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

from cotdistil.code_version import code_version
from cotdistil.stages import STAGES
from cotdistil.store import Node, settings_path, write_atomically

SCRIPTS = Path(__file__).resolve().parents[1] / "scripts"


@dataclass(frozen=True)
class Outcome:
    """How a command ended: its exit status, what it printed, and the artefact's folder."""

    status: int
    text: str
    folder: Path

    @property
    def record(self) -> dict:
        return json.loads((self.folder / "record.json").read_text())


class HandMadeStore:
    """`root`: an absolute folder that belongs to the test alone."""

    def __init__(self, root: Path):
        assert root.is_absolute()
        self.root = root / "store"

    def artefact(self, stage: str, label: str) -> Path:
        """A folder with a record, as a finished job leaves it; its payload is up to the test."""
        folder = self.root / stage / hashlib.sha256(label.encode()).hexdigest()[:20]
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "record.json").write_text("{}")
        return folder

    def source(self, path: Path) -> str:
        """Plan a local file as an input; returns its sha256."""
        with path.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        link = self.root / "files" / sha256
        link.parent.mkdir(parents=True, exist_ok=True)
        link.unlink(missing_ok=True)
        link.symlink_to(path)
        return sha256

    def run(
        self,
        stage: str,
        params: dict,
        parents: dict[str, Path | list[Path]] | None = None,
        files: dict[str, Path] | None = None,
        settings: dict | None = None,
        own_process: bool = False,
        timeout: float = 120,
    ) -> Outcome:
        """Run the stage's command, in this process unless `own_process`; `timeout`: seconds."""
        command, folder = self.plan(stage, params, parents, files, settings)
        if own_process:
            status, text = _in_own_process(command, timeout)
        else:
            status, text = _in_this_process(command)
        return Outcome(status, text, folder)

    def plan(
        self,
        stage: str,
        params: dict,
        parents: dict[str, Path | list[Path]] | None = None,
        files: dict[str, Path] | None = None,
        settings: dict | None = None,
    ) -> tuple[list[str], Path]:
        """Write the manifest; returns the stage's command and the folder that it will make."""
        addresses = {
            role: [self._address(each) for each in folders]
            if isinstance(folders, list)
            else self._address(folders)
            for role, folders in (parents or {}).items()
        }
        hashes = {name: self.source(path) for name, path in (files or {}).items()}
        code = code_version(stage, STAGES[stage].variant(params))
        node = Node(stage, params, addresses, hashes, code)
        manifest = self.root / "manifests" / f"{node.key}.json"
        write_atomically(manifest, json.dumps(node.manifest))
        if settings is not None:
            write_atomically(settings_path(node.key, self.root), json.dumps(settings))
        folder = self.root / stage / node.key
        command = [str(SCRIPTS / STAGES[stage].command), "--manifest", str(manifest)]
        return [*command, "--out", str(folder / "record.json"), "--threads", "1"], folder

    def _address(self, folder: Path) -> str:
        return folder.relative_to(self.root).as_posix()


def _in_own_process(command: list[str], timeout: float) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, *command],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=timeout,
        check=False,
    )
    return done.returncode, done.stdout


def _in_this_process(command: list[str]) -> tuple[int, str]:
    module = importlib.import_module(Path(command[0]).stem)
    output, status = io.StringIO(), 0
    with (
        mock.patch.object(sys, "argv", command),
        mock.patch.dict(os.environ),  # a command sets the number of threads
        contextlib.redirect_stdout(output),
        contextlib.redirect_stderr(output),
    ):
        try:
            module.main()
        except SystemExit as end:
            status = int(end.code or 0)
    return status, output.getvalue()
