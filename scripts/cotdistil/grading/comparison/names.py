r"""The left sides that only name an answer: `x=`, `f(x)=`, `AB=`, `m+n=`, `\angle ABC=`."""

import re

from cotdistil.grading.spelling.macros import GREEK

VARIABLE = re.compile(rf"(?:[A-Za-z]|\\(?:{GREEK})(?![a-z]))(?:_\{{[^{{}}]*\}})?'*")
CALL = re.compile(rf"({VARIABLE.pattern})\(([^()=<>]{{1,30}})\)")
POINT = re.compile(rf"\({VARIABLE.pattern}(?:,{VARIABLE.pattern})+\)")
LABEL = re.compile(r"\\text\{[^{}]*\}")
# sums such as m+n, which a question asks for; x, y and z rather stand in the equation of a curve
LETTER = r"(?:[a-wA-W]|\\(?:alpha|beta|gamma|lambda|mu))(?:_\{[^{}]*\})?"
QUANTITY = re.compile(
    rf"{LETTER}(?:[+\-*/]?{LETTER})+"
    r"|m?(?:\\angle|\\overline|\\triangle) ?\{?[A-Z]{1,4}\}?"
    r"|\|[A-Z]{1,4}\||\[[A-Z]{3,8}\]"
    rf"|\\(?:sin|cos|tan|cot|sec|csc)(?:\^\{{2\}})? ?\(?{VARIABLE.pattern}\)?"
    r"|\\frac\{(?:[a-w]\}\{[a-w]|[A-Z]{2}\}\{[A-Z]{2}|d[a-z]\}\{d[a-z])\}"
)
ARITHMETIC = re.compile(r"[0-9+\-*/().^{} !]+|(?:[0-9+\-*/().^{} ]|\\(?:frac|sqrt|pi|binom))+")


def names_an_answer(text: str) -> bool:
    """Whether a left side says nothing but what the right side is."""
    if POINT.fullmatch(text):
        letters = [name for name in text.strip("()").split(",") if name[0] != "\\"]
        return letters == sorted(letters)  # (y,x) is not the point that (x,y) is
    return any(kind.fullmatch(text) for kind in (VARIABLE, CALL, LABEL, QUANTITY))


def is_arithmetic(text: str) -> bool:
    """Whether there is nothing in it but numbers and signs."""
    return ARITHMETIC.fullmatch(text) is not None


def without_subscript(name: str) -> str:
    return re.sub(r"_\{[^{}]*\}", "", name)


def renamed_argument(name: str, text: str, other: str) -> str | None:
    """`text`, the value of the function `name`, with the argument that `other` has.

    `f(n)`, `n+1`, `f(x)` gives `x+1`; None where the two are not one function of one letter, or the
    new letter stands in the text already.
    """
    one, two = CALL.fullmatch(name), CALL.fullmatch(other)
    if not one or not two or one[1] != two[1] or len(one[2]) != 1 or len(two[2]) != 1:
        return None
    if not one[2].isalpha() or not two[2].isalpha():
        return None
    macros = re.split(r"(\\[A-Za-z]+)", text)
    if any(two[2] in part for part in macros[0::2]):
        return None
    macros[0::2] = [part.replace(one[2], two[2]) for part in macros[0::2]]
    return "".join(macros)
