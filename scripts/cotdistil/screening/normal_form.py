r"""What is compared of a question: its key, its words and its mathematics.

    Find $x$ if $\left(x-1\right)^{2} = \dfrac12$.  ->  key          findxif(x- 1)^ 2=frac 1 2
                                                        words        find x if x -1 ^2 =frac 1 2
                                                        mathematics  xx(x- 1)^ 2=frac 1 2

Each is made from the question's tokens (`spelling.tokens`), since they take most of the time.
"""

import re
import sys
import unicodedata
from collections.abc import Iterable, Sequence
from functools import lru_cache

from cotdistil.grading.values.number_words import NUMBERS, PARTS, SCALES
from cotdistil.screening.spelling import is_word

BRACKETS = frozenset(("(", ")", "[", "]", "{", "}", r"\{", r"\}", ",", ":", "&", r"\\"))
DIAGRAM = {"[asy]": True, "[/asy]": False}
COUNTING_WORDS = (
    *(*PARTS, *(f"{part}s" for part in PARTS), "halves", *SCALES, "first", "second", "once"),
    *("twice", "thrice", "dozen", "double", "triple", "quadruple"),
)
_NEITHER = re.compile(r"(?!(?<=\d)\.\d)[\W_]")
SPELLED_NUMBERS = {word: word for word in COUNTING_WORDS} | {
    word: str(number) for word, number in NUMBERS.items()
}


def key(spelling: Iterable[str]) -> str:
    """Two questions with the same key are the same problem (see `spelling` for what may differ).

    White space says nothing but before a number: `ABC` and `A B C` are one triangle.
    """
    return "".join(map(_in_key, spelling))


def letters_and_digits(question: str) -> str:
    """A question's letters, digits and decimal points: what one that was retyped has in common.

    It says less than `key`: x - 1 and x + 1 are the same. So much likeness to a benchmark's
    question is too much to train on, while two problems to train on may differ by so little.
    """
    return _NEITHER.sub("", unicodedata.normalize("NFKC", question).casefold())


def words(spelling: Sequence[str]) -> tuple[str, ...]:
    """The words of a question, for n-grams; about as many as there are between its spaces.

    A word is a number, a run of letters or the name of a macro. A sign before a number, a letter or
    a macro is part of it (`x^2-5`: x, ^2, -5). Brackets are left out, and so are `[asy]` diagrams,
    which share their code with hundreds of others. Single letters in a row are one word.
    """
    found: list[str] = []
    signs, after_letter, in_diagram = "", False, False
    for token in spelling:
        kind, word = _kind_and_word(token)
        if token in DIAGRAM:
            in_diagram = DIAGRAM[token]
        elif in_diagram:
            continue
        elif kind == "word":
            found.append(word)
            signs, after_letter = "", False
        elif kind == "bracket":
            after_letter = False
        elif kind == "sign":
            signs += word
        elif kind == "letter" and after_letter and not signs:
            found[-1] = sys.intern(found[-1] + word)
        else:
            found.append(sys.intern(signs + word) if signs else word)
            signs, after_letter = "", kind == "letter"
    return tuple(found)


def mathematics(spelling: Iterable[str]) -> str:
    """All of a question but its ordinary words: what near duplicates must have in common.

    Numbers, also those in words, single letters, words in capitals, macros, signs and brackets.
    """
    return "".join(map(_in_mathematics, spelling))


# A few thousand tokens are nearly all of a corpus.
@lru_cache(maxsize=65536)
def _kind_and_word(token: str) -> tuple[str, str]:
    name = sys.intern(token.removeprefix("\\").casefold())
    if is_word(token):
        return "word", name
    if token in BRACKETS or token.startswith((r"\begin", r"\end")):
        return "bracket", ""
    if token.isalpha():
        return "letter", name
    return ("formula" if name[:1].isalnum() else "sign"), name


@lru_cache(maxsize=65536)
def _in_key(token: str) -> str:
    if token[0].isdecimal():
        return f" {token}"
    return (token[1:] if token[1:].isalpha() and token[0] == "\\" else token).casefold()


@lru_cache(maxsize=65536)
def _in_mathematics(token: str) -> str:
    if not is_word(token):
        return "" if token in ("a", "A") else _in_key(token)  # most often the article
    number = SPELLED_NUMBERS.get(token.casefold())
    return _in_key(number) if number else token.casefold() * token.isupper()
