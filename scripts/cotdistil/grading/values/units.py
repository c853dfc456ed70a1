r"""Units behind a value: `12\text{cm}`, `45^\circ`, `10\%`, `2516_8`."""

import re
from dataclasses import dataclass

from cotdistil.grading.values.number_words import NUMBERS, SCALES

NAMES = {
    "mm": "mm millimeter millimetre",
    "cm": "cm cms centimeter centimetre",
    "dm": "dm decimeter decimetre",
    "m": "m meter metre",
    "km": "km kms kilometer kilometre",
    "in": "in inch inches",
    "ft": "ft foot feet",
    "yd": "yd yds yard",
    "mi": "mi mile",
    "mg": "mg milligram",
    "g": "g gm gram",
    "kg": "kg kgs kilogram",
    "oz": "oz ounce",
    "lb": "lb lbs pound",
    "ton": "ton tonne",
    "ml": "ml milliliter millilitre",
    "l": "l liter litre",
    "gal": "gal gals gallon",
    "s": "s sec secs second",
    "min": "min mins minute",
    "h": "h hr hrs hour",
    "day": "day",
    "week": "week",
    "month": "month",
    "year": "year yr yrs",
    "mph": "mph",
    "acre": "acre",
    "hectare": "ha hectare",
    "quart": "quart qt",
    "pint": "pint pt",
    "cup": "cup",
    "decade": "decade",
    "century": "century centuries",
    "cent": "cent",
    "dollar": "dollar usd",
    "eur": "eur euro",
    "gbp": "gbp",
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
    "ev": "ev",
    "mol": "mol mole",
    "nm": "nm nanometer nanometre",
    "rad": "rad radian",
    "am": "am",
    "pm": "pm",
}
CANONICAL = {word: name for name, words in NAMES.items() for word in words.split()}
CANONICAL.update({word + "s": name for word, name in list(CANONICAL.items()) if len(word) > 2})
POWERS = {"square": 2, "sq": 2, "squared": 2, "cubic": 3, "cubed": 3}
WORDS = frozenset((*CANONICAL, *POWERS, "per"))

BLOCK = r"\\text\{[^{}]*\}(?:\^\{-?[0-9]\})?"
TAIL = re.compile(rf"{BLOCK}(?:[/*]?{BLOCK}|[/*][a-z](?:\^\{{-?[0-9]\}})?(?![a-z]))*\Z")
UNIT_FRACTION = re.compile(rf"\\frac\{{({BLOCK})\}}\{{(?:({BLOCK})|([a-z]))\}}\Z")
WORD = re.compile(r"[A-Za-z]+|%|\^\{?-?[0-9]\}?|/")
BASE = re.compile(
    r"(-?)\(?((?=[A-F]*[0-9])[0-9A-F][0-9A-F.]*)\)?_\{(?:\\text\{)?([a-z]+|[0-9]+)\}{1,2}\Z"
)
SCALED = re.compile(
    rf"(-?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+))\\text\{{({'|'.join(SCALES)})(?:~|\}}\Z)"
)
TRIGONOMETRY = re.compile(r"\\(?:sin|cos|tan|cot|sec|csc)")


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
    base = BASE.fullmatch(text)
    if base and (radix := NUMBERS.get(base[3]) or (base[3].isdigit() and int(base[3]))):
        return Quantity(base[1] + base[2], f"base {radix}")
    start = text.find(r"\text{")
    if start <= 0:
        return Quantity(text, "")
    if scaled := SCALED.match(text):
        rest = rf"\text{{{text[scaled.end() :]}" if text[scaled.end() - 1] == "~" else ""
        unit = canonical_unit(rest) if rest else ""
        return Quantity(f"{scaled[1]}*10^{{{SCALES[scaled[2]]}}}", unit)
    if fraction := UNIT_FRACTION.search(text):
        below = fraction[2] or rf"\text{{{fraction[3]}}}"
        text = f"{text[: fraction.start()]}{fraction[1]}/{below}"
        start = text.find(r"\text{")
    tail = TAIL.match(text, start)
    if not tail or (tail.group() == r"\text{degree}" and TRIGONOMETRY.search(text)):
        return Quantity(text, "")
    return Quantity(text[:start].removesuffix("*"), canonical_unit(tail.group()))


def canonical_unit(text: str) -> str | None:
    r"""`\text{square~inches}` and `\text{in}^{2}` are both "in^2"; None if a word is unknown."""
    found: dict[str, int] = {}
    pending, sign, last = 1, 1, None
    for word in WORD.findall(text.replace(r"\text", "").replace(r"\cdot", "").lower()):
        if word[0] == "^" and last:
            found[last] = sign * int(word.strip("^{}"))
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
