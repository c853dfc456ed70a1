"""Read an answer as an exact number."""

import math
import re
from fractions import Fraction

MAX_DIGITS = 300
MAX_EXPONENT = 400

DECIMAL = r"(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)"
SIGN = r"(?P<sign>[+-]*)"
THOUSANDS = re.compile(r"[+-]?[1-9][0-9]{0,2}(?:,[0-9]{3})+(?:\.[0-9]*)?")
PLAIN = re.compile(rf"{SIGN}(?P<a>{DECIMAL})")
RATIO = re.compile(
    rf"{SIGN}(?:\\frac\{{(?P<a>-?{DECIMAL})\}}\{{(?P<b>-?{DECIMAL})\}}"
    rf"|(?P<c>{DECIMAL})/(?P<d>{DECIMAL})|\((?P<e>-?{DECIMAL})\)/(?P<f>{DECIMAL}))"
)
MIXED = re.compile(rf"{SIGN}(?P<a>[0-9]+)\\frac\{{(?P<b>[0-9]+)\}}\{{(?P<c>[0-9]+)\}}")
SCIENTIFIC = re.compile(
    rf"{SIGN}(?P<a>{DECIMAL})(?:[eE](?P<b>[+-]?[0-9]+)|\*10\^\{{(?P<c>[+-]?[0-9]+)\}})"
)
REPEATING = re.compile(
    rf"{SIGN}(?P<a>[0-9]*)\.(?P<b>[0-9]*)"
    r"(?:\\overline\{(?P<c>[0-9]+)\}|(?P<d>\\dot\{[0-9]\}(?:[0-9]*\\dot\{[0-9]\})?))"
)
POWER = re.compile(rf"{SIGN}(?P<a>[0-9]+)\^\{{(?P<b>[0-9]+)\}}")


def parse_number(text: str) -> Fraction | None:
    """The exact value of a normalised answer, or None if it is no plain number.

    Integers, decimals, thousands, fractions, mixed and repeating numbers, powers of whole
    numbers. A text of more than 300 characters or a power of ten beyond 400 is None. A fraction
    after a whole number is read as a mixed number if it is below one.
    """
    if not text or len(text) > MAX_DIGITS:
        return None
    for read in (_plain, _ratio, _mixed, _scientific, _power, _repeating):
        value = read(text)
        if value is not None:
            return value
    return None


def is_unfinished(text: str) -> bool:
    """Whether a number is written as a sum still to be done: 84/12, 84:12, 2^3, 7*10^2."""
    if POWER.fullmatch(text) or (SCIENTIFIC.fullmatch(text) and "^" in text):
        return True
    match = RATIO.fullmatch(text.replace(":", "/"))
    terms = [match[name] for name in "abcdef" if match[name]] if match else []
    if not terms or not all(term.lstrip("-").isdigit() for term in terms):
        return bool(match)
    lower = int(terms[1])
    return lower in (0, 1) or math.gcd(int(terms[0]), lower) != 1


def numbers_equal(left: Fraction, right: Fraction, relative_tolerance: float | None) -> bool:
    """Exact equality, or within `relative_tolerance` of the larger magnitude (symmetric)."""
    if left == right:
        return True
    if relative_tolerance is None:
        return False
    return abs(left - right) <= Fraction(relative_tolerance) * max(abs(left), abs(right))


def _signed(match: re.Match[str], value: Fraction) -> Fraction:
    return -value if match["sign"].count("-") % 2 else value


def _plain(text: str) -> Fraction | None:
    if "," in text:
        bare = text.lstrip("+-")
        if not THOUSANDS.fullmatch(bare):
            return None
        text = text.replace(",", "")
    match = PLAIN.fullmatch(text)
    return _signed(match, Fraction(match["a"])) if match else None


def _ratio(text: str) -> Fraction | None:
    match = RATIO.fullmatch(text)
    if not match:
        return None
    upper = Fraction(match["a"] or match["c"] or match["e"])
    lower = Fraction(match["b"] or match["d"] or match["f"])
    return _signed(match, upper / lower) if lower else None


def _mixed(text: str) -> Fraction | None:
    match = MIXED.fullmatch(text)
    if not match or not int(match["b"]) < int(match["c"]):
        return None
    return _signed(match, int(match["a"]) + Fraction(int(match["b"]), int(match["c"])))


def _scientific(text: str) -> Fraction | None:
    match = SCIENTIFIC.fullmatch(text)
    if not match:
        return None
    exponent = int(match["b"] or match["c"])
    if abs(exponent) > MAX_EXPONENT:
        return None
    return _signed(match, Fraction(match["a"]) * Fraction(10) ** exponent)


def _power(text: str) -> Fraction | None:
    match = POWER.fullmatch(text)
    if not match or len(match["a"]) * int(match["b"][:4]) > MAX_DIGITS or len(match["b"]) > 4:
        return None
    return _signed(match, Fraction(int(match["a"]) ** int(match["b"])))


def _repeating(text: str) -> Fraction | None:
    match = REPEATING.fullmatch(text)
    if not match:
        return None
    start, cycle = match["b"], match["c"] or re.sub(r"[^0-9]", "", match["d"])
    repeated = Fraction(int(cycle), (10 ** len(cycle) - 1) * 10 ** len(start))
    return _signed(match, Fraction(f"{match['a'] or 0}.{start or 0}") + repeated)
