"""The version of a stage's code, from what the code does rather than from its text.

A fingerprint is a hash of the syntax trees of a command and of all it imports from `scripts/`,
without comments, docstrings and type annotations; the templates of web pages beside a package's
modules count with the package, byte by byte. `scripts/code_versions.json` records, for each
stage, an integer version and the fingerprint that it stands for. Code that agrees with the record
has the recorded version. Code that differs is a version of its own, `<version>+<fingerprint>`:
whoever edits a command gets the reruns that the edit asks for without doing anything.
"""

import ast
import hashlib
import json
from functools import cache
from pathlib import Path

from cotdistil.stages import STAGES

SCRIPTS = Path(__file__).resolve().parent.parent
RECORD = SCRIPTS / "code_versions.json"
TEMPLATES = {".html", ".css", ".js"}
_ANNOTATIONS = {"annotation", "returns", "type_comment", "type_params"}


def code_version(stage: str, variant: str = "", scripts: Path = SCRIPTS) -> str:
    """The code version of a stage (and its variant): "3", or "3+1f2e3d4c5b6a" if it was edited."""
    recorded = read_record(scripts).get(record_name(stage, variant), {"version": 0})
    fingerprint = stage_fingerprint(stage, variant, scripts)
    if recorded.get("fingerprint") == fingerprint:
        return str(recorded["version"])
    return f"{recorded['version']}+{fingerprint}"


def record_name(stage: str, variant: str) -> str:
    """The stage's name in the record: `samples`, or `samples.vllm` for a variant."""
    return f"{stage}.{variant}" if variant else stage


@cache
def read_record(scripts: Path = SCRIPTS) -> dict[str, dict]:
    """The recorded versions: name -> {"version": int, "fingerprint": str}."""
    path = scripts / RECORD.name
    return json.loads(path.read_text()) if path.exists() else {}


@cache
def stage_fingerprint(stage: str, variant: str = "", scripts: Path = SCRIPTS) -> str:
    """A hash over every file that the stage's command reaches through imports; 12 hex digits."""
    digest = hashlib.sha256()
    files = imported_files(STAGES[stage].code_roots(variant), scripts)
    for path in [*files, *templates_beside(files, scripts)]:
        digest.update(path.encode())
        digest.update(file_fingerprint(scripts / path).encode())
    return digest.hexdigest()[:12]


def imported_files(roots: list[str], scripts: Path = SCRIPTS) -> list[str]:
    """The roots and all that they import from `scripts/`, at any depth; sorted relative paths."""
    found: set[str] = set()
    queue = [
        file for root in roots for file in _module_files(Path(root).with_suffix("").parts, scripts)
    ]
    while queue:
        path = queue.pop()
        if path not in found and (scripts / path).is_file():
            found.add(path)
            queue += _imports(scripts / path, scripts)
    return sorted(found)


def templates_beside(files: list[str], scripts: Path = SCRIPTS) -> list[str]:
    """The templates in the folders of the packages among the files; sorted relative paths."""
    folders = [(scripts / file).parent for file in files if file.endswith("/__init__.py")]
    found = (file for folder in folders for file in folder.iterdir() if file.suffix in TEMPLATES)
    return sorted(file.relative_to(scripts).as_posix() for file in found)


@cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(), filename=str(path))


def _imports(path: Path, scripts: Path) -> list[str]:
    package = path.relative_to(scripts).parent.parts
    names: list[tuple[str, ...]] = []
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.Import):
            names += [tuple(alias.name.split(".")) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            module = base + tuple((node.module or "").split(".") if node.module else ())
            names.append(module)
            names += [(*module, alias.name) for alias in node.names]
    return [file for parts in names for file in _module_files(parts, scripts)]


def _module_files(parts: tuple[str, ...], scripts: Path) -> list[str]:
    """The file of a module, and the __init__ of each package around it, which runs first."""
    stems = ["/".join(parts[:depth]) for depth in range(1, len(parts) + 1)]
    files = [file for stem in stems for file in (f"{stem}.py", f"{stem}/__init__.py")]
    return [file for file in files if (scripts / file).is_file()]


@cache
def file_fingerprint(path: Path) -> str:
    """A hash of one file's syntax tree without comments, docstrings and annotations.

    Of a template, a hash of its bytes.
    """
    if path.suffix in TEMPLATES:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    return hashlib.sha256(repr(_meaning(_tree(path))).encode()).hexdigest()


def _meaning(node: object, in_class: bool = False) -> object:
    """The tree as nested tuples.

    Empty fields are left out: which of them `ast` lists differs between Python versions.
    """
    if isinstance(node, list):
        return [_meaning(item, in_class) for item in node]
    if not isinstance(node, ast.AST):
        return repr(node)
    body = getattr(node, "body", None)
    if isinstance(body, list) and _is_docstring(node, body):
        node = type(node)(**{**dict(ast.iter_fields(node)), "body": body[1:]})
    # In a class an annotation may make a field, as in a dataclass.
    if isinstance(node, ast.AnnAssign) and node.value is not None and not in_class:
        node = ast.Assign(targets=[node.target], value=node.value)
    fields = [
        (name, _meaning(value, isinstance(node, ast.ClassDef)))
        for name, value in ast.iter_fields(node)
        if name not in _ANNOTATIONS and name not in ("ctx", "kind") and value not in (None, [])
    ]
    return (type(node).__name__, fields)


def _is_docstring(node: ast.AST, body: list[ast.stmt]) -> bool:
    holders = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    return (
        isinstance(node, holders)
        and bool(body)
        and isinstance(body[0], ast.Expr)
        and isinstance(body[0].value, ast.Constant)
        and isinstance(body[0].value.value, str)
    )
