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
    "kph": "kph kmh kmph",
    "khz": "khz",
    "mhz": "mhz",
    "ghz": "ghz",
    "kj": "kilojoule",
    "kw": "kilowatt",
    "kpa": "kpa kilopascal",
    "mpa": "mpa megapascal",
    "kev": "kev",
    "mev": "mev",
    "gev": "gev",
    "erg": "erg",
    "angstrom": "angstrom",
    "micrometer": "micrometer micrometre micron",
    "atm": "atm",
    "cal": "cal calorie",
    "kcal": "kcal",
    "acre": "acre",
    "hectare": "hectare",
    "quart": "quart",
    "pint": "pint",
    "cup": "cup",
    "decade": "decade",
    "century": "century centuries",
    "cent": "cent",
    "dollar": "dollar usd",
    "eur": "eur euro",
    "gbp": "gbp",
    "degree": "degree deg",
    "celsius": "celsius",
    "fahrenheit": "fahrenheit",
    "%": "% percent",
    "unit": "unit",
    "hz": "hz hertz",
    "n": "newton",
    "j": "j joule",
    "w": "w watt",
    "v": "v volt",
    "k": "kelvin",
    "pa": "pa pascal",
    "mol": "mol mole",
    "nm": "nanometer nanometre",
    "rad": "rad radian",
    "am": "am",
    "pm": "pm",
}
CANONICAL = {word: name for name, words in NAMES.items() for word in words.split()}
CANONICAL.update({word + "s": name for word, name in list(CANONICAL.items()) if len(word) > 2})
DEGREES = {"c": "celsius", "f": "fahrenheit"}
SCALE_OF_DEGREES = re.compile(r"degrees?~?\}?(?:\\text\{)?(c|f)(?:elsius|ahrenheit)?\b")
SIDE_WORDS = frozenset(
    ("tall", "long", "wide", "high", "deep", "away", "apart", "old", "each", "total")
)
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
    """`value` is LaTeX; `unit` is canonical, "" without one, None if its `words` are not known."""

    value: str
    unit: str | None
    words: str = ""


def split_unit(text: str) -> Quantity:
    r"""Part a normalised leaf into value and unit.

    Words that are no unit (`10\text{edges}`) are taken off the value too. A percentage keeps its
    number: 10% has the value 10, so it equals 10 and never 0.1.
    """
    base = BASE.fullmatch(text)
    if base and (radix := NUMBERS.get(base[3]) or (base[3].isdigit() and int(base[3]))):
        figures = base[2] if base[2].isdigit() else rf"\text{{{base[2]}}}"  # 1E2 is no power of ten
        return Quantity(base[1] + figures, f"base {radix}")
    start = text.find(r"\text{")
    if start <= 0:
        return Quantity(text, "")
    if scaled := SCALED.match(text):
        rest = rf"\text{{{text[scaled.end() :]}" if text[scaled.end() - 1] == "~" else ""
        unit = canonical_unit(rest) if rest else ""
        return Quantity(f"{scaled[1]}*10^{{{SCALES[scaled[2]]}}}", unit, _plain(rest))
    if fraction := UNIT_FRACTION.search(text):
        below = fraction[2] or rf"\text{{{fraction[3]}}}"
        text = f"{text[: fraction.start()]}{fraction[1]}/{below}"
        start = text.find(r"\text{")
    tail = TAIL.match(text, start)
    if not tail or (tail.group() == r"\text{degree}" and TRIGONOMETRY.search(text)):
        return Quantity(text, "")
    words = tail.group()
    return Quantity(text[:start].removesuffix("*"), canonical_unit(words), _plain(words))


def _plain(words: str) -> str:
    return " ".join(re.sub(r"\\text|[{}~]", " ", words).lower().split())


def canonical_unit(text: str) -> str | None:
    r"""`\text{square~inches}` and `\text{in}^{2}` are both "in^2"; None if a word is unknown.

    What stands behind "of", and words such as "long" or "away", are no part of a unit. "units" say
    nothing: they are "".
    """
    found: dict[str, int] = {}
    pending, sign, last = 1, 1, None
    text = SCALE_OF_DEGREES.sub(lambda match: DEGREES[match[1]], text.lower())
    for word in WORD.findall(text.replace(r"\text", "").replace(r"\cdot", "")):
        if word == "of":
            break
        if word in SIDE_WORDS and found:
            continue
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
    if not found:
        return None
    if set(found) == {"unit"}:
        return ""
    if found in ({"mi": 1, "h": -1}, {"km": 1, "h": -1}):
        return "mph" if "mi" in found else "kph"
    return " ".join(f"{name}^{power}" if power != 1 else name for name, power in found.items())
