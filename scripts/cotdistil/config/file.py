"""From YAML text to a checked `Config`, with every fault of it said in a person's words."""

import difflib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from cotdistil.config import Config
from cotdistil.config.paths import section_at
from cotdistil.config.references import reference_faults
from cotdistil.config.types import (
    NAME_PATTERN,
    OPERATORS_PATTERN,
    REVISION_PATTERN,
    TABLE_PATTERN,
    TEXT_PATTERN,
    VARIABLE_PATTERN,
)
from cotdistil.errors import ConfigError


def load_config(files: list[str], overrides: dict | None = None) -> Config:
    """Read config files, later ones over earlier ones, then `overrides`; return the typed config.

    Raises `ConfigError` listing every fault as `file: key.path: found; expected; what to do`.
    """
    merged: dict = {}
    for file in files:
        merge(merged, read_yaml(file))
    merge(merged, overrides or {})
    return check_config(merged, files)


def check_config(raw: dict, files: list[str]) -> Config:
    """The typed config of what was read from `files`. Raises `ConfigError`."""
    shown = ", ".join(files) or "config"
    faults = _faults_of_keys(raw)
    if faults:
        raise ConfigError([f"{shown}: {fault}" for fault in faults])
    try:
        config = Config.model_validate(raw)
    except ValidationError as error:
        faults = [_fault(item, raw) for item in error.errors(include_url=False)]
        # One line each, whatever line breaks a text or a name has.
        raise ConfigError([f"{shown}: {' '.join(fault.split())}" for fault in faults]) from None
    faults = reference_faults(config)
    if faults:
        raise ConfigError([f"{shown}: {fault}" for fault in faults])
    return config


def read_yaml(file: str) -> dict:
    """The mapping in a YAML file; a key that is written twice is an error, not overwritten."""
    path = Path(file)
    try:
        text = path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError([f"{file}: cannot be read ({error}); expected a YAML file"]) from None
    try:
        value = yaml.load(text, Loader=_StrictLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f"line {mark.line + 1}: " if mark else ""
        problem = getattr(error, "problem", None) or " ".join(str(error).split())
        raise ConfigError([f"{file}: {line}not readable as YAML: {problem}"]) from None
    if not isinstance(value, dict):
        raise ConfigError(
            [f"{file}: found {_show(value)}; expected keys and values such as 'experiment: name'"]
        )
    return value


def merge(base: dict, update: dict) -> None:
    """Put `update` over `base`, mapping by mapping, in place."""
    for key, value in update.items():
        if isinstance(value, dict) and isinstance(base.get(key), dict):
            merge(base[key], value)
        else:
            base[key] = value


class _StrictLoader(yaml.SafeLoader):
    """YAML's safe types, and an error for a key that stands twice in one mapping."""

    def compose_mapping_node(self, anchor: str | None) -> yaml.MappingNode:
        # Before `<<` puts the keys of another mapping beside those that stand here.
        node = super().compose_mapping_node(anchor)
        seen = set()
        for key_node, _ in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                continue
            if key_node.value in seen and key_node.tag != "tag:yaml.org,2002:merge":
                raise yaml.MarkedYAMLError(
                    problem=f"the key '{key_node.value}' stands twice; remove one of the two",
                    problem_mark=key_node.start_mark,
                )
            seen.add(key_node.value)
        return node


_TAGGED = ("models", "problems", "teachers")
_EXPECTED = {
    "string_type": "text",
    "int_type": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "list_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
}

_PATTERNS = {
    NAME_PATTERN: "a name of letters, digits, '.', '_' and '-'",
    REVISION_PATTERN: "a full commit hash of 40 hex digits",
    TABLE_PATTERN: "a file that ends in .jsonl, .json, .csv or .parquet",
    TEXT_PATTERN: "text that is not empty or blank",
    OPERATORS_PATTERN: "one or more of + - * /",
    VARIABLE_PATTERN: "the name of an environment variable, in capitals, never what it holds",
}


def _faults_of_keys(value: Any, path: tuple[str, ...] = ()) -> list[str]:
    """Faults of keys that YAML does not read as text, at any depth: `1: …`, `null: …`."""
    if not isinstance(value, dict):
        return []
    where = ".".join(path) or "the whole config"
    faults = [
        f"{where}: found {_show(key)} as a key; expected text; put it in quotes"
        for key in value
        if not isinstance(key, str)
    ]
    for key, inner in value.items():
        faults += _faults_of_keys(inner, (*path, str(key)))
    return faults


def _fault(item: dict, raw: dict) -> str:
    """One pydantic error as `key.path: found; expected; what to do`."""
    path, found = list(item["loc"]), item["input"]
    kind, context = item["type"], item.get("ctx", {})
    keys = _real_path(path)
    where = ".".join(keys) or "the whole config"
    if kind == "missing":
        return f"{where}: the key is missing; add it ({_describe(keys, raw)})"
    if kind == "extra_forbidden":
        known = _known_keys(keys[:-1], raw)
        return f"{where}: unknown key. {_suggest(keys[-1], known)}"
    if kind == "value_error":
        return _own_fault(where, str(context["error"]))
    if kind == "union_tag_not_found":
        if where.startswith("models."):
            expected = "one of the keys 'package', 'hub', 'folder'"
            return f"{where}: found {_show(found)}; expected {expected}"
        return f"{where}: the key 'kind' is missing; {_kinds(keys)}"
    if kind == "union_tag_invalid":
        return f"{where}.kind: found '{context['tag']}'; {_suggest_kind(context['tag'], keys)}"
    if kind == "literal_error":
        return f"{where}: found {_show(found)}; expected one of {context['expected']}"
    if kind == "string_pattern_mismatch" and context["pattern"] in _PATTERNS:
        # What stands in the place of a variable's name may be a key.
        shown = "other text" if context["pattern"] == VARIABLE_PATTERN else _show(found)
        return f"{where}: found {shown}; expected {_PATTERNS[context['pattern']]}"
    if kind == "too_short":
        return f"{where}: found {_show(found)}; expected at least {context['min_length']} of them"
    if kind == "too_long":
        return f"{where}: found {_show(found)}; expected at most {context['max_length']} of them"
    if kind == "string_too_long":
        return f"{where}: found {_show(found)}; expected {context['max_length']} characters at most"
    expected = _EXPECTED.get(kind) or item["msg"].replace("Input should be ", "")
    return f"{where}: found {_show(found)}; expected {expected}{_number_hint(kind, found)}"


def _own_fault(where: str, message: str) -> str:
    """A fault found by a validator of the config's types, which says `key|found|expected`."""
    parts = message.split("|")
    if len(parts) != 3:
        return f"{where}: {message}"
    key, found, expected = parts
    return f"{where}{'.' if key else ''}{key}: found {found}; expected {expected}"


def _number_hint(kind: str, found: Any) -> str:
    if kind not in ("float_type", "int_type") or not isinstance(found, str):
        if kind == "int_type" and isinstance(found, float) and found.is_integer():
            return f"; write {int(found)}"
        return ""
    try:
        value = float(found)
    except ValueError:
        return ""
    if kind == "int_type":
        return f"; YAML reads '{found}' as text: write {int(value)}" if value.is_integer() else ""
    text = repr(value)
    if "e" in text and "." not in text:
        text = text.replace("e", ".0e")
    return f"; YAML reads '{found}' as text: write {text}"


def _real_path(path: list) -> list[str]:
    """pydantic's path as keys of the file: no tags of unions, list positions as `[0]`."""
    if len(path) > 2 and path[0] in _TAGGED:
        del path[2]
    keys: list[str] = []
    for part in path:
        if isinstance(part, int):
            keys[-1] += f"[{part}]"
        elif part != "[key]":
            keys.append(str(part))
    return keys


def _known_keys(keys: list[str], raw: dict) -> list[str]:
    section = section_at(keys, raw)
    return list(section.model_fields) if section else []


def _describe(keys: list[str], raw: dict) -> str:
    section = section_at(keys[:-1], raw)
    info = section.model_fields.get(keys[-1]) if section else None
    return info.description if info and info.description else f"'{keys[-1]}: …'"


def _suggest(found: str, known: Iterable[str]) -> str:
    known = list(known)
    close = difflib.get_close_matches(found, known, n=1, cutoff=0.6)
    hint = f"Did you mean '{close[0]}'? " if close else ""
    return f"{hint}Known keys here are {', '.join(known)}"


_KINDS = {
    "problems": ("arithmetic", "file", "hub"),
    "teachers": ("procedure", "file", "hub", "model", "endpoint"),
}


def _kinds(keys: list[str]) -> str:
    return "expected one of " + ", ".join(f"'{kind}'" for kind in _KINDS[keys[0]])


def _suggest_kind(found: str, keys: list[str]) -> str:
    close = difflib.get_close_matches(str(found), _KINDS[keys[0]], n=1)
    hint = f"; did you mean '{close[0]}'?" if close else ""
    return f"{_kinds(keys)}{hint}"


def _show(value: Any) -> str:
    """A value as it would stand in YAML, short enough for one line."""
    if value is None:
        return "nothing (null)"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f"the text '{value[:60]}'"
    text = str(value)
    return text if len(text) <= 60 else text[:57] + "…"
