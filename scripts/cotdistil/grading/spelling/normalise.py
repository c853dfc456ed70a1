r"""One spelling for what LaTeX and people write in many: `\dfrac12`, `1{,}000`, `90^\circ`."""

import re
from functools import lru_cache

from cotdistil.grading.spelling.latex import SOFT_COMMA, rewrite_latex
from cotdistil.grading.spelling.macros import (
    CURRENCY_NAMES,
    INFINITY,
    LOWERED,
    OR,
    RAISED,
    UNICODE,
)
from cotdistil.grading.spelling.plain_text import (
    cased,
    named_words,
    without_spaces,
    without_thousands,
)
from cotdistil.grading.spelling.wording import without_lead_in, words_as_mathematics
from cotdistil.grading.values.number_words import SCALES

MAX_CHARS = 4000  # of an answer that is read as mathematics; a longer one is compared as it is
MAX_DEPTH = 40

PLAIN_WORDS = re.compile(r"[A-Za-z'’\-]+(?: [A-Za-z'’\-]+)*")
ONE_TEXT = re.compile(r"(-?)\\text\{([^{}]*)\}")
LETTER_LIST = re.compile(r"[A-Z](?:(?:, ?|,? and )[A-Z])+")
SEPARATOR = re.compile(r"(?:,? *(?:\\text\{(and|or)\}|\b(and|or)\b(?!~? ?(?:more|less|fewer))) *)")
INEQUALITY = re.compile(r"[<>]|\\[lg]eq")
CURRENCY = re.compile(
    r"([\x02-\x04]) ?(-?(?:[0-9][0-9,]*(?:\.[0-9]+)?|\.[0-9]+|\\frac\{[^{}]*\}\{[^{}]*\})"
    rf"(?: ?(?:\\text\{{)?(?:{'|'.join(SCALES)})\b\}}?)?)"
)
RATIO = re.compile(r"\A([0-9]+) ?(?:\\text\{)?to\b\}? ?([0-9]+)\Z")
WHOLE_PARAMETER = re.compile(
    r"(?<=.)(?:[,;] ?\(?| ?\() ?[a-z](?:, ?[a-z])* ?\\in ?\\mathbb\{Z\} ?\)?\Z"
)
REPLY = re.compile(
    r"(?:\\text\{)?(yes|no|true|false)\}?"
    r"(?:[,.;:](?!.*\b(?:yes|no|true|false|but|however|never|unless|only|except|maybe)\b)[^0-9]*)?",
    re.IGNORECASE,
)
LONE_DOLLAR = re.compile(r"(-?)\$(?=[0-9.])([^$]*)\Z")
# each pattern is tried where its trigger stands in the text
SIGNS = tuple(
    (trigger, re.compile(pattern), new)
    for trigger, pattern, new in (
        ("<=", r"<=", r"\\leq "),
        (">=", r">=", r"\\geq "),
        ("!=", r"(?<![0-9)!])!=|(?<= )!=", r"\\neq "),
        ("...", r"\.\.\.+", r"\\ldots "),
        ("√", r"√ ?([0-9]+(?:\.[0-9]+)?|[A-Za-z])", r"\\sqrt{\1}"),
        ("∛", r"∛ ?([0-9]+(?:\.[0-9]+)?|[A-Za-z])", r"\\sqrt[3]{\1}"),
        ("√", r"√", r"\\sqrt "),
        ("sqrt", r"(?<![\\A-Za-z])sqrt(?=\s*\()", r"\\sqrt"),
        ("abs", r"(?<![\\A-Za-z])abs\(([^()]*)\)", r"|\1|"),
        ("C(", r"(?<![\\A-Za-z])C\(([0-9]{1,4}), ?([0-9]{1,4})\)", r"\\binom{\1}{\2}"),
        ("C_", r"(?<![\\A-Za-z])C_\{?([0-9]+)\}?\^(?:\{([0-9]+)\}|([0-9]))", r"\\binom{\1}{\2\3}"),
        (".", r"(?<![\\A-Za-z])(?:np|numpy|math|sympy|sp)\.(?=[a-z])", ""),
        (".", r"(?<![A-Za-z])([AaPp])\. ?([Mm])\b\.?", r"\1\2"),
        (" U ", r"(?<=[)\]])\s*U\s*(?=[(\[])", r"\\cup "),
        ("for ", r",? ?(?:\\text\{)? ?for (?:all|every|any|each) (?:[a-z]+ ){0,3}"
         r"[\\(}$ ]*[a-z]"
         r"(?:, ?[a-z])*(?: ?\\in ?\\mathbb\{[A-Z]\}| in [A-Z])?[\\)}$ ]*\Z", ""),
        ("/", r"(?<=[0-9}]) (km|cm|mm|m|ft|mi|rad|kg|g|mol|N|J|W|C|V)"
         r" ?/ ?(s|hr?|min|m|cm|kg|mol|L|K)"
         r"(\^\{?-?[0-9]\}?)?\Z", r" \\text{\1/\2}\3"),
        (r"\not", r"\\not ?=", r"\\neq "),
        ("base", r"(?<=[0-9A-F]) ?\(?(?:\\text\{)?(?: ?in)? ?base[ -]([0-9]+|[a-z]+)\}?\)?\Z",
         r"_{\1}"),
        ("mod", r"\(\s*(?:\\(?:text|mathrm|operatorname)\{\s*)?mod[ }\\]*([0-9A-Za-z]+)\s*\)",
         r"\\pmod{\1}"),
        (r"\\", r"\\\\ *\[[0-9.]+ ?(?:pt|em|ex|mm|cm)\]", r"\\\\"),
        ("", r"(?<=[0-9])(?:st|nd|rd|th)\b", ""),
    )
)  # fmt: skip
WRAPPING = frozenset('$\\*`"')
PLAIN_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?", re.ASCII)
RAISED_RUN = re.compile(r"[⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ⁿ]+")
LOWERED_RUN = re.compile(r"[₀₁₂₃₄₅₆₇₈₉ₙ]+")


def normalise(text: str) -> str:
    """The canonical spelling of an answer, without spaces outside words (there they are `~`).

    A text of more than 4,000 characters, or with brackets nested more than 40 deep, is only
    stripped. Never raises; time is linear in the length.
    """
    text = text.strip()
    if len(text) > MAX_CHARS or PLAIN_NUMBER.fullmatch(text):
        return text
    return _normalised(text)


@lru_cache(maxsize=4096)
def _normalised(text: str) -> str:
    source = _unwrapped(text)
    if " " in source or "#" in source:
        source = _unwrapped(without_lead_in(source))
    source = _signs(LONE_DOLLAR.sub(r"\1\\$\2", source))
    if _depth(source) > MAX_DEPTH:
        return text
    return _settled(rewrite_latex(source))


def _signs(source: str) -> str:
    """Unicode and ASCII signs in LaTeX, with single spaces."""
    source = " ".join(source.split())
    if not source.isascii():
        source = RAISED_RUN.sub(lambda run: f"^{{{run[0].translate(RAISED)}}}", source)
        source = LOWERED_RUN.sub(lambda run: f"_{{{run[0].translate(LOWERED)}}}", source)
        source = source.translate(UNICODE)
    for trigger, pattern, new in SIGNS:
        if trigger in source:
            source = pattern.sub(new, source)
    return source if r"\begin" in source else source.replace("\\\\", "\\")


def _unwrapped(text: str) -> str:
    for _ in range(4):
        before = text
        text = text.strip()
        text = (text if text.endswith("...") else text.rstrip(".,;:")).rstrip("\\").strip()
        if text[:1] not in WRAPPING:
            break
        for opening, closing in (("$$", "$$"), ("$", "$"), (r"\(", r"\)"), (r"\[", r"\]")):
            inside = text[len(opening) : -len(closing)]
            if (
                len(text) > len(opening) + len(closing)
                and text.startswith(opening)
                and text.endswith(closing)
                and not text.endswith("\\" + closing)
                and opening not in inside
            ):
                text = inside
        for marks in ("**", "`", '"'):
            if len(text) > 2 * len(marks) and text.startswith(marks) and text.endswith(marks):
                text = text[len(marks) : -len(marks)]
        if text == before:
            break
    return text


def _depth(source: str) -> int:
    deepest = 0
    for opening, closing in ("{}", "()"):
        if source.count(opening) <= MAX_DEPTH:
            continue
        depth = 0
        for char in source:
            depth = max(0, depth + (char == opening) - (char == closing))
            deepest = max(deepest, depth)
    return deepest


def _settled(text: str) -> str:
    """The second pass, on a text whose macros have one spelling and whose spaces still stand."""
    text = " ".join(text.split()).rstrip(" .,;:").lstrip(" ,;:=").removeprefix(r"\approx").lstrip()
    if SOFT_COMMA in text:
        text = re.sub(rf"(?<=[0-9]){SOFT_COMMA} ?(?=[0-9]{{3}}(?![0-9]))", "", text)
        text = re.sub(rf"(?<=[0-9]){SOFT_COMMA}(?=[0-9])", ".", text).replace(SOFT_COMMA, ",")
    if any(mark in text for mark in CURRENCY_NAMES):
        text = CURRENCY.sub(_with_unit_behind, text).translate({2: None, 3: None, 4: None})
    if " " in text:
        # with a space behind it, a comma separates: 2, 100 are two numbers
        text = re.sub(r"(?<=[0-9]) ?, (?=[0-9]{3}(?![0-9]))", ";", text)
        text = re.sub(r"(?<![0-9.,])([1-9][0-9]{0,2})((?: [0-9]{3})+)(?![0-9])", _joined, text)
        text = re.sub(r"([0-9]) ([0-9]+)/([0-9]+)(?![0-9])", r"\1\\frac{\2}{\3}", text)
    if "to" in text:
        text = RATIO.sub(r"\1:\2", text)
    if r"\in" in text:
        text = WHOLE_PARAMETER.sub("", text)
    if words := _words(text):
        return words
    if "degree" in text:
        text = re.sub(r"\\text\{degree\} ?([CFK])(?![A-Za-z])", r"\\text{degree \1}", text)
    text = re.sub(r"(?<=[0-9]) (?=[0-9])", ";", text)
    if "and" in text or "or" in text:
        text = SEPARATOR.sub(_separator, text)
    return without_spaces(named_words(without_thousands(text)))


def _words(text: str) -> str | None:
    """An answer that is nothing but words."""
    if reply := REPLY.fullmatch(text):
        return rf"\text{{{reply[1].lower()}}}"
    one_text = ONE_TEXT.fullmatch(text)
    if one_text:
        sign, words = one_text.groups()
        if LETTER_LIST.fullmatch(words):
            return re.sub(r"[a-z, ]+", ",", words)
    elif PLAIN_WORDS.fullmatch(text) and text.lstrip("-") not in INFINITY:
        sign, words = "", text
    else:
        return None
    if mathematics := words_as_mathematics(words):
        return sign + mathematics
    if one_text or re.search(r"[A-Za-z]{4}", text):
        return rf"{sign}\text{{{cased(words).replace(' ', '~')}}}"
    return None


def _separator(match: re.Match[str]) -> str:
    is_or = "or" in match.groups() and INEQUALITY.search(match.string)
    return f",{OR}" if is_or else ", "


def _joined(match: re.Match[str]) -> str:
    return match.group().replace(" ", "")


def _with_unit_behind(match: re.Match[str]) -> str:
    return rf"{match[2]}\text{{{CURRENCY_NAMES[match[1]]}}}"
