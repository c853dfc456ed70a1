"""What people say around an answer, and answers that are words."""

import re

from cotdistil.grading.values.number_words import NUMBERS, PARTS, SCALES, number_value
from cotdistil.grading.values.units import canonical_unit

WORD = r"[A-Za-z][A-Za-z'’-]*"
SUBJECT = r"(?:the|an?|it|its|this|that|there|these|those|my|our|his|her|their|final|answer|result)"
LEAD_IN = re.compile(
    rf"""[\#*\s]*(?:\\text\{{\s*)?
    (?:
        (?:(?:so|thus|hence|therefore|then|and),?\s+)?
        {SUBJECT}\b\s*(?:(?:{WORD}|\$[A-Za-z]\$),?\s+){{0,12}}?(?:is|are|equals|be|was|were)\b:?
      | (?:final\s+)?answer\s*:
      | (?:an?\s+)?total\s+of\b
      | (?:option|choice)\b
      | \#\#\#\#
    )
    [\s*]*\}}?[\s*]*(?=\S)""",
    re.IGNORECASE | re.VERBOSE,
)
# with one of these in it, what leads in says something else than "this is the answer"
DISTORTION = re.compile(
    r"\b(?:not|never|cannot|could|may|might|would|wrong|incorrect|false|opposite|negative|reciprocal"
    r"|inverse|square|cube|root|twice|double|half|times|percent|plus|minus|negation|cosine|sine|log"
    r"|of\s+it|of\s+the\s+answer)\b|n't\b",
    re.IGNORECASE,
)
MATHEMATICS = re.compile(r"[0-9\\$]|\(?[A-Za-z]\)?\.?\Z")
SOLUTIONLESS = re.compile(r"(?:.*~)?(?:does|do)~not~exist|dne")

PHRASES = {
    "empty set": r"\emptyset",
    "the empty set": r"\emptyset",
    "infinity": r"\infty",
    "positive infinity": r"\infty",
    "negative infinity": r"-\infty",
    "minus infinity": r"-\infty",
    "all real numbers": r"\mathbb{R}",
    "all reals": r"\mathbb{R}",
    "real numbers": r"\mathbb{R}",
    "the real numbers": r"\mathbb{R}",
    "all integers": r"\mathbb{Z}",
}


def without_lead_in(source: str) -> str:
    """`The answer is 5` is 5; what follows must be mathematics and deny nothing."""
    end = _lead_in_end(source)
    if not end:
        return source
    rest = source[end:].strip()
    if MATHEMATICS.match(rest) or (
        re.search(r"[0-9\\$]", rest) and not DISTORTION.search(rest) and len(rest.split()) < 8
    ):
        return rest
    return source


def words_as_mathematics(words: str) -> str | None:
    r"""`twenty-one`, `five dollars`, `empty set` in figures and signs; None for other words."""
    plain = " ".join(words.lower().replace("-", " ").split()).strip(" .")
    if plain in PHRASES:
        return PHRASES[plain]
    first, *rest = plain.split() or [""]
    if first not in NUMBERS:
        return None
    count = 1
    while count <= len(rest) and (rest[count - 1] in NUMBERS or rest[count - 1] in SCALES):
        count += 1
    value = number_value([first, *rest[: count - 1]])
    if value is not None and len(rest) == count and (parts := PARTS.get(rest[-1].rstrip("s"))):
        return rf"\frac{{{value}}}{{{parts}}}"
    unit = " ".join(rest[count - 1 :])
    if value is None or (unit and not canonical_unit(unit)):
        return None
    return f"{value}" + (rf"\text{{{unit}}}" if unit else "")


def same_words(left: str, right: str) -> bool:
    r"""Two normalised answers with words: articles, plural, case and a lead-in do not count."""
    left, right = _lower(left), _lower(right)
    if _bare(left) == _bare(right):
        return True
    short, long = sorted((left, right), key=len)
    end = _lead_in_end(long.replace("~", " "))
    if end and not LEAD_IN.match(short):
        return _bare(long[end:]) == _bare(short)
    return False


def _lead_in_end(text: str) -> int:
    """Where an undistorted lead-in ends; 0 without one."""
    match = LEAD_IN.match(text)
    return match.end() if match and not DISTORTION.search(match.group()) else 0


def _lower(text: str) -> str:
    text = text.replace(r"\text{", "").replace("}", "").lower().strip("~.")
    return re.sub(r"(?<=[a-z])-(?=[a-z])", "~", text)


def _bare(text: str) -> str:
    if SOLUTIONLESS.fullmatch(text):
        return "does~not~exist"
    text = re.sub(r"^there~(?:is|are|exists?)~", "", text.lstrip("~"))
    text = re.sub(r"^(?:an?|the)~", "", text)
    return re.sub(r"(?<=[a-z]{3})s(?=~|\Z)", "", text).replace("~", "")
