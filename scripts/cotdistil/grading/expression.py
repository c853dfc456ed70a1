r"""Rewrite an answer into the few LaTeX tokens that reach the symbolic parser.

Model text never reaches the parser itself: numbers, operators and macros of a whitelist are
written anew, and each variable becomes one letter of a fixed alphabet. That also steps around
what latex2sympy2 reads otherwise than it was meant: `x(x+1)` as a function, `dx` as a
differential (which breaks every later parse), `x^T` as a transpose, `1e5` as a product with e.
"""

import re

from cotdistil.grading.macros import FUNCTIONS

MAX_CHARS = 400
MAX_DEPTH = 16
MAX_EXPONENT = 400
MAX_DIGITS = 60
LETTERS = "abcghkmnopqrstuvwxyzABCDFGHJKLMNPQRSUVWXYZ"

TOKEN = re.compile(
    r"[0-9]+(?:\.[0-9]*)?[eE][+-]?[0-9]+|[0-9]+(?:\.[0-9]*)?|\.[0-9]+|\\[A-Za-z]+|\\.|.", re.DOTALL
)
MIXED = re.compile(r"(?<![0-9.}^*])([0-9]+)(\\frac\{([0-9]+)\}\{([0-9]+)\})")
DEGREES = re.compile(r"([0-9]+(?:\.[0-9]+)?|(?<![A-Za-z\\])[A-Za-z])\\text\{degrees?\}")
SUBSCRIPT = re.compile(r"_\{([A-Za-z0-9,+\-*\\ ]{1,24})\}|([0-9]+)(?![0-9.])|(\([0-9]+\))")
SERIES = re.compile(r"\\(?:sum|prod)_\{([A-Za-z])=")
DIFFERENTIAL = re.compile(r"d([A-Za-z])(?![A-Za-z])")
GREEK_NAMES = (
    "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi rho sigma tau"
    " upsilon phi chi psi omega hbar Gamma Delta Theta Lambda Xi Pi Sigma Phi Psi Omega ell"
)
GREEK = frozenset("\\" + name for name in GREEK_NAMES.split())
CALLS = frozenset("\\" + name for name in FUNCTIONS)
STRUCTURAL = frozenset(
    (r"\frac", r"\binom", r"\sqrt", r"\lfloor", r"\rfloor", r"\lceil", r"\rceil")
)
SIGNS = frozenset("+-/()!{}^|")
PAIRS = {")": "(", "}": "{", "]": "[", r"\rfloor": r"\lfloor", r"\rceil": r"\lceil"}
OPENING = frozenset((*PAIRS.values(), "[ as ("))


class UnreadableError(ValueError):
    """The text is no expression of the subset; the message names what was found."""


def rewrite_expression(text: str, variables: dict[str, str]) -> str:
    """The expression in whitelisted LaTeX.

    `variables` maps the names seen so far to letters and is added to, so that both sides of a
    comparison share it. Raises UnreadableError.
    """
    if not text or len(text) > MAX_CHARS:
        raise UnreadableError(f"{len(text)} characters; expected 1 to {MAX_CHARS}")
    text = DEGREES.sub(r"(\1*\\pi/180)", MIXED.sub(_mixed, text))
    out: list[str] = []
    open_brackets: list[str] = []
    has_integral = r"\int" in text
    has_limits = has_integral or SERIES.search(text) is not None
    index = 0
    while index < len(text):
        match = TOKEN.match(text, index)
        token, index = match.group(), match.end()
        if token in (r"\sum", r"\prod") and (series := SERIES.match(text, match.start())):
            index = series.end()
            open_brackets.append("{")
            out.append(f"{token}_{{{_variable(series[1], variables)[1:-1]}=")
        elif token == r"\int":
            out.append(token)
            if text.startswith("_{", index):
                out.append("_")
                index += 1
        elif has_integral and (differential := DIFFERENTIAL.match(text, match.start())):
            index = differential.end()
            out.append(f" d{_variable(differential[1], variables)[1:-1]} ")
        elif token == r"\infty" and has_limits:
            out.append(r"\infty ")
        elif token[0].isascii() and (token[0].isdigit() or token[0] == ".") and token != ".":
            out.append(_number(token))
        elif (token.isascii() and token.isalpha()) or token in GREEK:
            # x1 as people write x_{1}; I(0) is a value of I and not nothing times I
            subscript = SUBSCRIPT.match(text, index) if token not in ("e", "i") else None
            index = subscript.end() if subscript else index
            below = next(filter(None, subscript.groups())) if subscript else ""
            out.append(_variable(f"{token}_{below}" if below else token, variables))
        elif token == r"\pi":
            out.append(r"{\pi}")
        elif token == "*":
            out.append(r"\cdot ")
        elif token in CALLS:
            out.append(token)
            if token == r"\log" and text.startswith("_{", index):
                out.append("_")
                index += 1
            elif not text[index : index + 1].isspace() and text[index : index + 1] not in "{(^_":
                out.append(" ")
        elif token == "[" and not _is_root(token, out):
            _balance("[ as (", open_brackets)
            out.append("(")
        elif token == "]" and open_brackets[-1:] == ["[ as ("]:
            open_brackets.pop()
            out.append(")")
        elif token in SIGNS or token in STRUCTURAL or _is_root(token, out):
            _balance(token, open_brackets)
            out.append(token)
        elif token != " ":
            raise UnreadableError(f"{token!r} is not read as mathematics")
    if open_brackets:
        raise UnreadableError(f"{open_brackets[-1]!r} is not closed")
    if out.count("|") not in (0, 2):
        raise UnreadableError("more than one pair of bars")
    return "".join(out)


def _is_root(token: str, out: list[str]) -> bool:
    return token == "]" or (token == "[" and out[-1:] == [r"\sqrt"])


def _balance(token: str, open_brackets: list[str]) -> None:
    if token in OPENING:
        open_brackets.append(token)
        if len(open_brackets) > MAX_DEPTH:
            raise UnreadableError(f"brackets nested more than {MAX_DEPTH} deep")
    elif token in PAIRS and (not open_brackets or open_brackets.pop() != PAIRS[token]):
        raise UnreadableError(f"{token!r} closes nothing")


def _number(token: str) -> str:
    if len(token) > MAX_DIGITS:
        raise UnreadableError(f"a number of {len(token)} digits; at most {MAX_DIGITS} are read")
    mantissa, mark, exponent = token.lower().partition("e")
    if not mark:
        return mantissa.removesuffix(".")
    if abs(int(exponent)) > MAX_EXPONENT:
        raise UnreadableError(f"the power of ten {exponent}; at most {MAX_EXPONENT} is read")
    return rf"({mantissa}\cdot 10^{{{int(exponent)}}})"


def _variable(name: str, variables: dict[str, str]) -> str:
    if name in ("e", "i"):
        return {"e": "{e}", "i": "{I}"}[name]
    if name not in variables:
        if len(variables) == len(LETTERS):
            raise UnreadableError(f"more than {len(LETTERS)} variables")
        variables[name] = LETTERS[len(variables)]
    return f"{{{variables[name]}}}"


def _mixed(match: re.Match[str]) -> str:
    if len(match[0]) > MAX_DIGITS or not int(match[3]) < int(match[4]):
        return match[0]
    return f"({match[1]}+{match[2]})"
