"""What every part of the plan builds with: the config, the machine's view, and nodes by address."""

from collections.abc import Callable
from dataclasses import dataclass, field

from cotdistil.config import Config
from cotdistil.stages import STAGES
from cotdistil.store import Node


@dataclass(frozen=True)
class Surroundings:
    """What the plan asks of the machine; tests hand in their own.

    code_version(stage, variant): the version of a stage's code.
    file_hashes(key_path, path, folder): file name -> (sha256, path) of the file at `path`, or of a
    model folder's files; `key_path` is the config's key, for messages.
    """

    code_version: Callable[[str, str], str]
    file_hashes: Callable[[str, str, bool], dict[str, tuple[str, str]]]


@dataclass
class Builder:
    """nodes: address -> node, parents before children."""

    config: Config
    surroundings: Surroundings
    nodes: dict[str, Node] = field(default_factory=dict)

    def add(
        self,
        stage: str,
        params: dict,
        parents: dict[str, str | list[str]] | None = None,
        files: dict[str, tuple[str, str]] | None = None,
        name: str = "",
        settings: dict | None = None,
    ) -> str:
        """The address of the artefact that is decided by all but `name` and `settings`."""
        node = self.node(stage, params, parents, files, name, settings)
        self.nodes.setdefault(node.address, node)
        return node.address

    def node(
        self,
        stage: str,
        params: dict,
        parents: dict[str, str | list[str]] | None = None,
        files: dict[str, tuple[str, str]] | None = None,
        name: str = "",
        settings: dict | None = None,
    ) -> Node:
        """A node that is not (yet) in the plan."""
        files = files or {}
        return Node(
            stage=stage,
            params=params,
            parents=parents or {},
            files={file: sha256 for file, (sha256, _) in files.items()},
            code=self.surroundings.code_version(stage, STAGES[stage].variant(params)),
            name=name,
            sources=dict(files.values()),
            settings=settings or {},
        )

    def local_file(self, key_path: str, path: str, name: str) -> dict[str, tuple[str, str]]:
        """The file at `path`, under a name that does not depend on what the file is called."""
        [(sha256, source)] = self.surroundings.file_hashes(key_path, path, False).values()
        return {name: (sha256, source)}


def sampling(params: dict) -> dict:
    """Temperature, top_p and seed; greedy decoding uses neither of the last two."""
    greedy = params["temperature"] == 0.0
    return {
        "temperature": params["temperature"],
        "top_p": 1.0 if greedy else params["top_p"],
        "seed": 0 if greedy else params["seed"],
    }
