r"""One spelling of a question: its tokens, whatever its LaTeX dialect, punctuation and white space.

A token is a number, a run of letters, a macro or a sign. Numbers, operators and signs keep their
meaning: `x-1` is not `x+1`, `3.5` not `35`, `-2` not `2`, `f(x,y)` not `f(xy)`, `5!` not `5`, and
`\frac{ab}{c}` not `\frac{a}{bc}`. Left out is what only sets the type: dollar signs and the other
delimiters of formulas, `\left` and `\right`, spaces, fonts, quotation marks, braces around one
token, and punctuation beside words.
"""

import re
import unicodedata

from cotdistil.grading.spelling.macros import (
    FRACTIONS,
    LOWERED,
    RAISED,
    SILENT,
    SPACES,
    TEXT,
    UNICODE,
)

TOKEN = re.compile(
    r"""\s*(
        [^\W\d_]{2,}(?:'(?:s|t|d|m|re|ve|ll)(?![^\W\d_]))? | [^\W\d_]
      | [1-9][0-9]{0,2}(?:(?:,|\{,\}|,\\!|\\,)[0-9]{3})+(?![0-9])(?:\.[0-9]+)?
      | [0-9]+(?:\.[0-9]+)? | (?<![A-Za-z0-9)\]}])\.[0-9]+
      | \\(?:begin|end)\{[A-Za-z]*\*?\}
      | \\[hv]space\*?\{[^{}]*\}
      | \[/?asy\]
      | (?:\\?_){2,}
      | \\[A-Za-z]+ | \\.
      | \.\.+ | \S
    )""",
    re.VERBOSE | re.DOTALL,
)
RAISED_RUN = re.compile(f"[{''.join(map(chr, RAISED))}]+")
LOWERED_RUN = re.compile(f"[{''.join(map(chr, LOWERED))}]+")
VULGAR_FRACTION = re.compile("[¼-¾⅐-⅞↉]")
GREEK_LETTER = re.compile("[Α-Ωα-ω]")
SIGNS = UNICODE | str.maketrans({"‘": "'", "’": "'", "‐": "-", "‑": "-", "→": r"\to "})
RAISED_SIGN = re.compile(r"\^ ?\{? ?(\\circ(?![A-Za-z])|(?:\\prime(?![A-Za-z]) ?)+) ?\}?")
QUOTED = re.compile(r"``(.{0,200}?)''", re.DOTALL)
GROUPED_BY_COMMAS = re.compile(r"[0-9]+(?:,[0-9.]+)+")

FONTS = SILENT | TEXT | {r"\mathbb"}
DISPLAYS = frozenset(
    rf"\{side}{{{name}{star}}}"
    for side in ("begin", "end")
    for name in ("align", "aligned", "equation", "gather", "gathered", "split", "center")
    for star in ("", "*")
)
UNSEEN = SPACES | DISPLAYS | {"$", r"\$", r"\(", r"\)", r"\[", r"\]", "?", ".", '"', "`"}
SEPARATORS = frozenset(",;:")  # in a formula, that is not beside a word outside brackets
LEFT_OUT = UNSEEN | FONTS | SEPARATORS | {"!", "}"}
SPELLINGS = FRACTIONS | {
    r"\leq": r"\le", r"\leqslant": r"\le", r"\geq": r"\ge", r"\geqslant": r"\ge", r"\neq": r"\ne",
    r"\lt": "<", r"\gt": ">", r"\ldots": r"\dots", r"\cdots": r"\dots", r"\dotsc": r"\dots",
    r"\dotsb": r"\dots", r"\rightarrow": r"\to", r"\degree": "°", r"\lvert": "|", r"\rvert": "|",
    r"\vert": "|", r"\lbrace": r"\{", r"\rbrace": r"\}", r"\%": "%", r"\&": "&", r"\#": "#",
    r"\_": "_",
}  # fmt: skip
ARGUMENTS = {r"\frac": 2, r"\binom": 2, r"\sqrt": 1}
OPENING, CLOSING = frozenset(("(", "[", r"\{")), frozenset((")", "]", r"\}"))


def tokens(text: str) -> list[str]:
    r"""The tokens of `text`, NFKC, in their own case; macros and environments begin with `\`.

    Never raises; time is linear in the length.
    """
    out: list[str] = []
    groups: list[tuple[int, bool]] = []
    pending, depth, after_font = "", 0, False
    for token in TOKEN.findall(_signs(text).rstrip()):
        if token in LEFT_OUT:
            if token in SEPARATORS:
                pending = token
            elif token == "!" and out and not is_word(out[-1]):
                out.append(token)
            elif token == "}" and groups:
                _close_group(out, *groups.pop())
            after_font = token in FONTS
            continue
        if pending:
            if out and (depth or not (is_word(out[-1]) or is_word(token))):
                out.append("," if pending == ";" else pending)
            pending = ""
        if token.isalpha() or (token.isdecimal() and not (out and out[-1] in ARGUMENTS)):
            out.append(token)
        elif token == "{":
            groups.append((len(out), after_font))
            out.append(token)
        else:
            token = SPELLINGS.get(token, token)
            depth = max(0, depth + (token in OPENING) - (token in CLOSING))
            out += _spelled(token, out[-1] if out else "", depth > 0)
        after_font = False
    return [token for token in out if token]


def is_word(token: str) -> bool:
    """Whether a token is a run of letters; a single letter is rather a name in a formula."""
    return len(token) > 1 and token.isalpha()


def _close_group(out: list[str], start: int, is_set_in_font: bool) -> None:
    """End the group that opened at `start`; around one token, braces say nothing."""
    size = len(out) - start - 1
    if size == 0 or (size == 1 and (is_set_in_font or not is_word(out[-1]))):
        del out[start]
    elif is_set_in_font:
        out[start] = ""
    else:
        out.append("}")


def _spelled(token: str, before: str, is_in_brackets: bool) -> list[str]:
    """A token that is no word, as the tokens of its one spelling."""
    if token.startswith((r"\hspace", r"\vspace")) or token.count("_") > 1:
        return []
    if len(token) > 1 and token[0].isalpha():
        return [token.replace("'", "")]
    if token.startswith("."):
        return [r"\dots" if token.startswith("..") else f"0{token}"]
    if not token[0].isdecimal():
        return [token]
    if is_in_brackets and GROUPED_BY_COMMAS.fullmatch(token):
        return re.findall(r",|[^,]+", token)  # (1,000) may be a pair
    number = re.sub(r"[^0-9.]", "", token)
    arguments = ARGUMENTS.get(before, 0)
    if "." in number or not arguments:
        return [number]
    return [part for part in (*number[:arguments], number[arguments:]) if part]  # \frac12 is a half


def _signs(text: str) -> str:
    """The text with the LaTeX names of its signs, as far as there are any."""
    if not text.isascii():
        text = RAISED_RUN.sub(lambda run: f"^{{{run[0].translate(RAISED)}}}", text)
        text = LOWERED_RUN.sub(lambda run: f"_{{{run[0].translate(LOWERED)}}}", text)
        text = VULGAR_FRACTION.sub(_fraction, text)
        text = unicodedata.normalize("NFKC", text).translate(SIGNS)
        text = GREEK_LETTER.sub(_greek_letter, text)
    if r"\circ" in text or r"\prime" in text:
        text = RAISED_SIGN.sub(_raised_sign, text)
    return QUOTED.sub(r" \1 ", text) if "``" in text else text


def _fraction(sign: re.Match[str]) -> str:
    upper, lower = unicodedata.normalize("NFKC", sign[0]).split("⁄")
    return rf"\frac{{{upper}}}{{{lower}}}"


def _greek_letter(letter: re.Match[str]) -> str:
    name = unicodedata.name(letter[0]).rsplit(" ", 1)[-1].lower()
    return f"\\{name if letter[0].islower() else name.capitalize()} "


def _raised_sign(sign: re.Match[str]) -> str:
    return "°" if "circ" in sign[1] else "'" * sign[1].count("prime")
