r"""One spelling for what LaTeX and people write in many: `\dfrac12`, `1{,}000`, `90^\circ`."""

import re

from cotdistil.grading.latex import SOFT_COMMA, rewrite_latex
from cotdistil.grading.macros import UNICODE
from cotdistil.grading.spelling import cased, named_words, without_spaces, without_thousands

MAX_CHARS = 4000  # of an answer that is read as mathematics; a longer one is compared as it is
MAX_DEPTH = 40

ASCII_ROOT = re.compile(r"(?<![\\A-Za-z])sqrt(?=\s*\()")
PLAIN_WORDS = re.compile(r"[A-Za-z'’\-]+(?: [A-Za-z'’\-]+)*")
SEPARATOR = re.compile(r"(?:,? *(?:\\text\{(?:and|or)\}|\b(?:and|or)\b) *)")


def normalise(text: str) -> str:
    """The canonical spelling of an answer, without spaces outside words (there they are `~`).

    A text of more than 4,000 characters, or with brackets nested more than 40 deep, is only
    stripped. Never raises; time is linear in the length.
    """
    text = text.strip()
    if len(text) > MAX_CHARS or text.isdigit():
        return text
    source = _unwrapped(text).translate(UNICODE)
    if r"\begin" not in source:
        source = source.replace("\\\\", "\\")
    source = ASCII_ROOT.sub(r"\\sqrt", source)
    if _depth(source) > MAX_DEPTH:
        return text
    return _settled(rewrite_latex(source))


def _unwrapped(text: str) -> str:
    for _ in range(4):
        before = text
        text = text.strip().rstrip(".,;:").strip()
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
        depth = 0
        for char in source:
            depth = max(0, depth + (char == opening) - (char == closing))
            deepest = max(deepest, depth)
    return deepest


def _settled(text: str) -> str:
    """The second pass, on a text whose macros have one spelling and whose spaces still stand."""
    text = " ".join(text.split()).rstrip(" .,;:").lstrip(" ,;:=")
    text = re.sub(rf"(?<=[0-9]){SOFT_COMMA} ?(?=[0-9]{{3}}(?![0-9]))", "", text)
    text = re.sub(rf"(?<=[0-9]){SOFT_COMMA}(?=[0-9])", ".", text).replace(SOFT_COMMA, ",")
    text = re.sub(r"(?<![0-9.,])([1-9][0-9]{0,2})((?: [0-9]{3})+)(?![0-9])", _joined, text)
    text = re.sub(r"([0-9]) ([0-9]+)/([0-9]+)(?![0-9])", r"\1\\frac{\2}{\3}", text)
    if PLAIN_WORDS.fullmatch(text) and re.search(r"[A-Za-z]{4}", text):
        return rf"\text{{{cased(text).replace(' ', '~')}}}"
    text = re.sub(r"\\text\{degree\} ?([CFK])(?![A-Za-z])", r"\\text{degree \1}", text)
    text = SEPARATOR.sub(", ", text)
    return without_spaces(named_words(without_thousands(text)))


def _joined(match: re.Match[str]) -> str:
    return match.group().replace(" ", "")
