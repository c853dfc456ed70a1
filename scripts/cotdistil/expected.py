"""What in a value that was read from a file is not of the kind that was expected."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Annotated, NamedTuple

from annotated_types import Interval

if TYPE_CHECKING:
    from pydantic import TypeAdapter

MOST_CHARACTERS = 60
MOST = 10**15  # hundreds of times as much still fits into 64 bits
Count = Annotated[int, Interval(ge=0, le=MOST)]


class Fault(NamedTuple):
    """The first fault. place: keys and positions that lead to it. text: found and expected."""

    place: tuple[int | str, ...]
    text: str


def first_fault(value: object, kind: object) -> Fault | None:
    """The first fault of `value`; None if it is of the kind.

    kind: a type, as pydantic reads it; of a TypedDict, keys that it does not name may be there.
    """
    if kind is dict and isinstance(value, dict):  # without pydantic, which takes long to load
        return None
    from pydantic import ValidationError

    try:
        _adapter(kind).validate_python(value, strict=True)
    except ValidationError as error:
        [first, *_] = error.errors(include_url=False)
        place = first["loc"]
        name = ".".join(map(str, place))
        if first["type"] == "missing":
            return Fault(place, f"found no {name}")
        found = "null" if first["input"] is None else repr(first["input"])[:MOST_CHARACTERS]
        expected = first["msg"].removeprefix("Input should be ")
        return Fault(place, f"found {found}{name and ' in '}{name}; expected {expected}")
    return None


@cache
def _adapter(kind: object) -> TypeAdapter:
    from pydantic import TypeAdapter

    return TypeAdapter(kind)
