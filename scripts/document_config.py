"""Write what is generated from the config's types: `config/schema.json` and the key reference.

    python scripts/document_config.py            # write both
    python scripts/document_config.py --check    # exit 1 if either is not in step

Editors complete and check keys with the schema; a line at the head of a config names it:
`# yaml-language-server: $schema=schema.json`.
"""

import argparse
import inspect
import json
import sys
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin

from pydantic import BaseModel, JsonValue

from cotdistil.config import (
    Config,
    browsing,
    evaluation,
    models,
    problems,
    recipes,
    segmentation,
    teachers,
    training,
)
from cotdistil.config.types import Cell

CONFIG_FOLDER = Path(__file__).resolve().parent.parent / "config"
BEGIN = "<!-- generated from the types by scripts/document_config.py: begin -->"
END = "<!-- generated: end -->"
# Where each section stands in a config file, in the order in which the reference lists them.
SECTIONS = {
    "Config": "Top level",
    "PackagedModel": "`models.NAME`, a packaged model",
    "HubModel": "`models.NAME`, a hub model",
    "LocalModel": "`models.NAME`, a local model",
    "ArithmeticProblems": "`problems.NAME`, kind: arithmetic",
    "FileProblems": "`problems.NAME`, kind: file",
    "HubProblems": "`problems.NAME`, kind: hub",
    "ProceduralTeacher": "`teachers.NAME`, kind: procedure",
    "FileTeacher": "`teachers.NAME`, kind: file",
    "HubTeacher": "`teachers.NAME`, kind: hub",
    "ModelTeacher": "`teachers.NAME`, kind: model",
    "EndpointTeacher": "`teachers.NAME`, kind: endpoint",
    "Price": "`teachers.NAME.price`",
    "Corpus": "`corpora.NAME`",
    "Screening": "`screening`",
    "Recipe": "`recipes.NAME`",
    "Prune": "`recipes.NAME.prune`",
    "Segmentation": "`recipes.NAME.prune.segmentation`",
    "Prompt": "`prompt`",
    "Training": "`training`",
    "Sft": "`training.sft`",
    "Lora": "`training.sft.lora`",
    "Benchmark": "`benchmarks.NAME`",
    "Gap": "`gaps.NAME`",
    "Engine": "`engine`",
    "Audit": "`audit`",
    "Judge": "`audit.judge`",
    "TraceBrowser": "`trace_browser`",
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--check", action="store_true", help="write nothing")
    check = parser.parse_args().check
    readme = CONFIG_FOLDER / "README.md"
    texts = {
        CONFIG_FOLDER / "schema.json": schema(),
        readme: with_reference(readme.read_text()),
    }
    stale = [path for path, text in texts.items() if not path.exists() or path.read_text() != text]
    if check and stale:
        names = ", ".join(str(path) for path in stale)
        sys.exit(f"{names}: not in step with the config's types; run 'make schema'")
    if not check:
        for path in stale:
            path.write_text(texts[path])


def schema() -> str:
    """The JSON schema of a config file."""
    return json.dumps(Config.model_json_schema(), indent=1, ensure_ascii=False) + "\n"


def with_reference(readme: str) -> str:
    """The README with its generated part renewed."""
    before, _, rest = readme.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{reference()}\n{END}{after}"


def reference() -> str:
    """A table of keys for every section of the config."""
    parts = []
    for name, place in SECTIONS.items():
        section = section_named(name)
        lines = [f"### {place}", "", inspect.cleandoc(section.__doc__ or ""), ""]
        lines += ["| key | type | default | meaning |", "|---|---|---|---|"]
        for key, field in sorted(section.model_fields.items(), key=lambda item: item[0] != "kind"):
            meaning = (field.description or "").replace("|", r"\|")
            lines.append(
                f"| `{key}` | {type_name(field.annotation, field.metadata)} |"
                f" {default_text(field)} | {meaning} |"
            )
        parts.append("\n".join(lines) + "\n")
    return "\n".join(parts)


def section_named(name: str) -> type[BaseModel]:
    """The type of a section, from whichever module declares it."""
    if name == "Config":
        return Config
    modules = (
        *(models, problems, teachers, recipes, segmentation, training, evaluation),
        browsing,
    )
    [section] = (vars(module)[name] for module in modules if name in vars(module))
    return section


def default_text(field: Any) -> str:
    """The default as it would be written in YAML, or `required`."""
    if field.is_required():
        return "required"
    default = field.get_default()
    if isinstance(default, BaseModel):
        return "all defaults"
    return f"`{json.dumps(default, ensure_ascii=False)}`"


def type_name(annotation: Any, metadata: Any = ()) -> str:
    """A type in a reader's words, with its bounds."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        extra = [item for more in arguments[1:] for item in getattr(more, "metadata", [more])]
        return type_name(arguments[0], [*extra, *metadata])
    words = {int: "whole number", float: "number", str: "text", bool: "true or false"}
    if annotation in words:
        return words[annotation] + bounds(metadata)
    if annotation is type(None):
        return "null"
    if annotation is JsonValue or annotation == Cell:
        return "value"
    if origin is list:
        return f"list of {type_name(arguments[0])}"
    if origin is dict:
        return f"name → {type_name(arguments[1])}"
    if getattr(origin, "__name__", "") == "Literal":
        return " or ".join(f"`{value}`" for value in arguments)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return SECTIONS[annotation.__name__].split(",")[0]
    names = dict.fromkeys(type_name(argument) for argument in arguments)
    return " or ".join(names)


def bounds(metadata: Any) -> str:
    """` ≥ 1`, ` in (0, 1]` and the like, from annotated-types metadata."""
    signs = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<"}
    found = [
        f"{sign} {getattr(item, name):g}"
        for item in metadata
        for name, sign in signs.items()
        if getattr(item, name, None) is not None and abs(getattr(item, name)) < 2**31 - 1
    ]
    return f" {' and '.join(found)}" if found else ""


if __name__ == "__main__":
    main()
