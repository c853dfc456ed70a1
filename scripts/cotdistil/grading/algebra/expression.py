r"""Rewrite an answer into the few LaTeX tokens that reach the symbolic parser.

Model text never reaches the parser itself: numbers, operators and macros of a whitelist are
written anew, and each variable becomes one letter of a fixed alphabet. That also steps around
what latex2sympy2 reads otherwise than it was meant: `x(x+1)` as a function, `dx` as a
differential (which breaks every later parse), `x^T` as a transpose, `1e5` as a product with e.
"""

import re

from cotdistil.grading.spelling.macros import FUNCTIONS, GREEK

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
# a name, with what tells it from others: x_{1}, or x1 as people write it; I(0), which is a value of
# I and not nothing times I; x'; an accent or words make one name of what they cover
NAME = re.compile(
    rf"(?:[A-Za-z]|\\(?:{GREEK}|Pi)(?![A-Za-z])"
    r"|\\(?:overline|bar|hat|widehat|tilde|dot|ddot|mathbb|text)\{[A-Za-z\\~' ]{1,24}\}"
    r"|\\(?:triangle|angle) ?[A-Z]{1,4})"
    r"(?:_\{[A-Za-z0-9,+\-*\\ ]{1,24}\}|[0-9]+(?![0-9.])|\([0-9]+\))?'*"
)
CONSTANTS = {"e": "{e}", "i": "{I}"}
SERIES = re.compile(r"\\(sum|prod)_\{([A-Za-z])=")
DIFFERENTIAL = re.compile(r"d([A-Za-z])(?![A-Za-z])")
CALLS = frozenset("\\" + name for name in FUNCTIONS)
STRUCTURAL = frozenset(
    (r"\frac", r"\binom", r"\sqrt", r"\lfloor", r"\rfloor", r"\lceil", r"\rceil")
)
SIGNS = frozenset("+-/()!{}^|")
PAIRS = {")": "(", "}": "{", "]": "[", r"\rfloor": r"\lfloor", r"\rceil": r"\lceil"}
GROUPING = "[ as ("  # a bracket [ that only groups
OPENING = frozenset((*PAIRS.values(), GROUPING))
FIXED = {r"\pi": r"{\pi}", "*": r"\cdot ", " ": ""}


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
    return _Rewriter(text, variables).rewritten()


class _Rewriter:
    """Reads a text token by token. `index` is behind the last token that was read."""

    def __init__(self, text: str, variables: dict[str, str]):
        self.text = text
        self.variables = variables
        self.index = 0
        self.out: list[str] = []
        self.open: list[str] = []
        self.has_integral = r"\int" in text
        self.has_limits = self.has_integral or SERIES.search(text) is not None

    def rewritten(self) -> str:
        while self.index < len(self.text):
            if not (self._read_limits() or self._read_name()):
                match = TOKEN.match(self.text, self.index)
                self.index = match.end()
                self.out.append(self._token(match.group()))
        if self.open:
            raise UnreadableError(f"{self.open[-1]!r} is not closed")
        if self.out.count("|") not in (0, 2):
            raise UnreadableError("more than one pair of bars")
        return "".join(self.out)

    def _read_limits(self) -> bool:
        """Sums, products and integrals: the letter that they bind, and where it runs."""
        if not self.has_limits:
            return False
        if series := SERIES.match(self.text, self.index):
            self.index = series.end()
            self.open.append("{")
            letter = self._variable(series[2])[1:-1]
            self.out.append(rf"\{series[1]}_{{{letter}=")
        elif self.has_integral and (match := DIFFERENTIAL.match(self.text, self.index)):
            self.index = match.end()
            self.out.append(f" d{self._variable(match[1])[1:-1]} ")
        elif self.text.startswith(r"\int", self.index):
            self.index += len(r"\int")
            self.out.append(r"\int" + self._subscript_mark())
        elif self.text.startswith(r"\infty", self.index):
            self.index += len(r"\infty")
            self.out.append(r"\infty ")
        else:
            return False
        return True

    def _read_name(self) -> bool:
        if self.text[self.index] in CONSTANTS:
            self.out.append(CONSTANTS[self.text[self.index]])
            self.index += 1
            return True
        match = NAME.match(self.text, self.index)
        if not match:
            return False
        self.index = match.end()
        self.out.append(self._variable(re.sub(r"_\{([0-9]+)\}", r"\1", match.group())))
        return True

    def _token(self, token: str) -> str:
        if (token[0].isascii() and token[0].isdigit()) or (token[0] == "." and len(token) > 1):
            return _number(token)
        if token in FIXED:
            return FIXED[token]
        if token in CALLS:
            return self._call(token)
        if token == "[" and self.out[-1:] != [r"\sqrt"]:
            self._balance(GROUPING)
            return "("
        if token == "]" and self.open[-1:] == [GROUPING]:
            self.open.pop()
            return ")"
        if token in SIGNS or token in STRUCTURAL or token in "[]":
            self._balance(token)
            return token
        raise UnreadableError(f"{token!r} is not read as mathematics")

    def _call(self, name: str) -> str:
        if name == r"\log" and (mark := self._subscript_mark()):
            return name + mark
        following = self.text[self.index : self.index + 1]
        return name if following.isspace() or following in "{(^_" else name + " "

    def _subscript_mark(self) -> str:
        if not self.text.startswith("_{", self.index):
            return ""
        self.index += 1
        return "_"

    def _balance(self, token: str) -> None:
        if token in OPENING:
            self.open.append(token)
            if len(self.open) > MAX_DEPTH:
                raise UnreadableError(f"brackets nested more than {MAX_DEPTH} deep")
        elif token in PAIRS and (not self.open or self.open.pop() != PAIRS[token]):
            raise UnreadableError(f"{token!r} closes nothing")

    def _variable(self, name: str) -> str:
        if name not in self.variables:
            if len(self.variables) == len(LETTERS):
                raise UnreadableError(f"more than {len(LETTERS)} variables")
            self.variables[name] = LETTERS[len(self.variables)]
        return f"{{{self.variables[name]}}}"


def _number(token: str) -> str:
    if len(token) > MAX_DIGITS:
        raise UnreadableError(f"a number of {len(token)} digits; at most {MAX_DIGITS} are read")
    mantissa, mark, exponent = token.lower().partition("e")
    if not mark:
        return mantissa.removesuffix(".")
    if abs(int(exponent)) > MAX_EXPONENT:
        raise UnreadableError(f"the power of ten {exponent}; at most {MAX_EXPONENT} is read")
    return rf"({mantissa}\cdot 10^{{{int(exponent)}}})"


def _mixed(match: re.Match[str]) -> str:
    if len(match[0]) > MAX_DIGITS or not int(match[3]) < int(match[4]):
        return match[0]
    return f"({match[1]}+{match[2]})"
