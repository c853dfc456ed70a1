"""Which type of the config stands at a path such as `recipes.pruned.prune`."""

import types
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, Tag

from cotdistil.config import Config


def section_at(keys: list[str], raw: dict) -> type[BaseModel] | None:
    """The section type at `keys`, or None where there is none; `raw` decides between variants."""
    section: Any = Config
    value: Any = raw
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
        if isinstance(section, type) and issubclass(section, BaseModel):
            info = section.model_fields.get(key)
            if info is None:
                return None
            section = _resolve(info.annotation, value)
        elif get_origin(section) is dict:
            section = _resolve(get_args(section)[1], value)
        else:
            return None
    return section if isinstance(section, type) and issubclass(section, BaseModel) else None


def _resolve(annotation: Any, value: Any) -> Any:
    """The section type, or for a mapping of names the type of that mapping."""
    if get_origin(annotation) is Annotated:
        return _resolve(get_args(annotation)[0], value)
    if get_origin(annotation) in (Union, types.UnionType):
        return _variant([arm for arm in get_args(annotation) if arm is not type(None)], value)
    return annotation


def _variant(arms: list, value: Any) -> Any:
    """The arm of a union that a raw value asks for, by its `kind` or by the tag's key."""
    value = value if isinstance(value, dict) else {}
    for arm in arms:
        tags = [extra.tag for extra in getattr(arm, "__metadata__", ()) if isinstance(extra, Tag)]
        section = get_args(arm)[0] if get_origin(arm) is Annotated else arm
        if tags and tags[0] in value:
            return section
        if isinstance(section, type) and issubclass(section, BaseModel):
            kind = section.model_fields.get("kind")
            if kind is not None and value.get("kind") in get_args(kind.annotation):
                return section
    return _resolve(arms[0], value) if len(arms) == 1 else None
