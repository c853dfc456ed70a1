r"""Units behind a value: `12\text{cm}`, `45^\circ`, `10\%`, `2516_8`."""

import re
from dataclasses import dataclass

NAMES = {
    "mm": "mm millimeter millimetre",
    "cm": "cm centimeter centimetre",
    "dm": "dm decimeter decimetre",
    "m": "m meter metre",
    "km": "km kilometer kilometre",
    "in": "in inch inches",
    "ft": "ft foot feet",
    "yd": "yd yard",
    "mi": "mi mile",
    "mg": "mg milligram",
    "g": "g gram",
    "kg": "kg kilogram",
    "oz": "oz ounce",
    "lb": "lb lbs pound",
    "ton": "ton tonne",
    "ml": "ml milliliter millilitre",
    "l": "l liter litre",
    "gal": "gal gallon",
    "s": "s sec second",
    "min": "min minute",
    "h": "h hr hour",
    "day": "day",
    "week": "week",
    "month": "month",
    "year": "year yr",
    "mph": "mph",
    "cent": "cent",
    "dollar": "dollar usd",
    "degree": "degree deg",
    "%": "% percent",
    "unit": "unit",
    "hz": "hz hertz",
    "n": "newton",
    "j": "j joule",
    "w": "w watt",
    "v": "v volt",
    "k": "kelvin",
    "pa": "pa pascal",
    "rad": "rad radian",
    "am": "am",
    "pm": "pm",
}
CANONICAL = {word: name for name, words in NAMES.items() for word in words.split()}
CANONICAL.update({word + "s": name for word, name in list(CANONICAL.items()) if len(word) > 2})
POWERS = {"square": 2, "sq": 2, "squared": 2, "cubic": 3, "cubed": 3}
WORDS = frozenset((*CANONICAL, *POWERS, "per"))

BLOCK = r"\\text\{[^{}]*\}(?:\^\{-?[0-9]\})?"
TAIL = re.compile(rf"{BLOCK}(?:(?:/|\\cdot)?{BLOCK})*\Z")
WORD = re.compile(r"[A-Za-z]+|%|\^\{-?[0-9]\}|/")
BASE = re.compile(r"(-?[0-9][0-9A-F.]*)_\{([0-9]+)\}\Z")


@dataclass(frozen=True)
class Quantity:
    """`value` is LaTeX; `unit` is canonical, "" without one, None if its words are not known."""

    value: str
    unit: str | None


def split_unit(text: str) -> Quantity:
    r"""Part a normalised leaf into value and unit.

    Words that are no unit (`10\text{edges}`) are taken off the value too. A percentage keeps its
    number: 10% has the value 10, so it equals 10 and never 0.1.
    """
    base = BASE.match(text)
    if base:
        return Quantity(base[1], f"base {base[2]}")
    start = text.find(r"\text{")
    if start <= 0:
        return Quantity(text, "")
    tail = TAIL.match(text, start)
    if not tail:
        return Quantity(text, "")
    return Quantity(text[:start], canonical_unit(tail.group()))


def canonical_unit(text: str) -> str | None:
    r"""`\text{square~inches}` and `\text{in}^{2}` are both "in^2"; None if a word is unknown."""
    found: dict[str, int] = {}
    pending, sign, last = 1, 1, None
    for word in WORD.findall(text.replace(r"\text", "").replace(r"\cdot", "").lower()):
        if word[0] == "^" and last:
            found[last] = sign * int(word[2:-1])
        elif word in POWERS:
            if last and word.endswith("ed"):
                found[last] = sign * POWERS[word]
            else:
                pending = POWERS[word]
        elif word in ("per", "/"):
            sign = -1
        elif word in CANONICAL:
            last = CANONICAL[word]
            found[last] = sign * pending
            pending = 1
        else:
            return None
    if found == {"unit": found.get("unit")}:
        return None  # "10 units" says nothing about which unit
    if found == {"mi": 1, "h": -1}:
        return "mph"
    return " ".join(f"{name}^{power}" if power != 1 else name for name, power in found.items())


def units_conflict(left: str | None, right: str | None) -> bool:
    """Both sides name a known unit, and not the same one."""
    return bool(left and right and left != right)
