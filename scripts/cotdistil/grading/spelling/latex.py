r"""Rewrite LaTeX macro by macro: each meaning gets one spelling."""

import re

from cotdistil.grading.spelling.macros import (
    ACCENTS,
    CURRENCY,
    DELIMITED,
    FRACTIONS,
    FUNCTIONS,
    MODULO,
    ORDINALS,
    SILENT,
    SPACES,
    SYNONYMS,
    TEXT,
    UNSEEN,
)
from cotdistil.grading.spelling.plain_text import cased, named_words, without_spaces

TOKEN = re.compile(r"\\[A-Za-z]+|\\.|[0-9]+|\s+|.", re.DOTALL)
SOFT_COMMA = "\x01"  # a comma in 1{,}000 or 1,\!000, which never separates two values
CONTROL_WORD = re.compile(r"\\[A-Za-z]+")
NUMBER_FIRST = re.compile(r"(-?[0-9][0-9:.,/]*) ?(.*)")
INFIX = {r"\over": r"\frac", r"\choose": r"\binom"}
PARTED = re.compile(r"[,;=<>:]|\\(?:text|leq|geq|neq|in|cup)\b")
UNIT_VECTORS = ("i", "j", "k", r"\imath", r"\jmath")
COMPOUND_UNIT = re.compile(r"[A-Za-z]+(?:\^-?[0-9])?(?: ?[*/] ?[A-Za-z]+(?:\^-?[0-9])?)+")
TWO_LETTERS = re.compile(r"[A-Za-z]{2}")


def rewrite_latex(source: str) -> str:
    r"""The source with one spelling per macro, explicit braces, and its spaces.

    Written for sources whose brackets are nested at most some tens deep: it recurses into them.
    """
    return _rewritten(TOKEN.findall(source))


def _rewritten(tokens: list[str]) -> str:
    for infix, macro in INFIX.items():
        if infix in tokens and (at := _at_top(tokens, infix)) is not None:
            upper, lower = _inner(tokens[:at]), _inner(tokens[at + 1 :])
            return f"{macro}{{{upper}}}{{{lower}}}"
    out: list[str] = []
    index = 0
    while index < len(tokens):
        token = tokens[index]
        index += 1
        if token in FRACTIONS:
            upper, index = _argument(tokens, index, False)
            lower, index = _argument(tokens, index, False)
            out.append(f"{FRACTIONS[token]}{{{_inner(upper)}}}{{{_inner(lower)}}}")
        elif token == r"\sqrt":
            root, index = _root(tokens, index)
            bracketed = "".join(tokens[index : index + 2]).lstrip()[:1] == "("
            inside, index = _argument(tokens, index, bracketed)
            out.append(rf"\sqrt{root}{{{_inner(inside)}}}")
        elif token in TEXT:
            inside, index = _argument(tokens, index, True)
            _append_text(out, "".join(inside), mathematics=token == r"\mathrm")
        elif token in ACCENTS:
            inside, index = _argument(tokens, index, True)
            letters = "".join(inside)
            is_unit_vector = token == r"\hat" and letters in UNIT_VECTORS
            out.append(
                letters.lstrip("\\")[0] if is_unit_vector else f"{token}{{{_inner(inside)}}}"
            )
        elif token in MODULO:
            inside, index = _argument(tokens, index, True)
            out.append(rf"\pmod{{{_inner(inside)}}}")
        elif token in UNSEEN:
            index = _argument(tokens, index, True)[1]
        elif token in CURRENCY:
            out.append(CURRENCY[token])
        elif token in "^_":
            inside, index = _argument(tokens, index, True)
            _append_script(out, token, _inner(inside))
        elif token in (r"\begin", r"\end"):
            name, index = _argument(tokens, index, True)
            out.append(rf"{token}{{{''.join(name).strip()}}}")
        elif token in DELIMITED and tokens[index : index + 1] == ["."]:
            index += 1
        elif token == "{":
            inside, index = _argument(tokens, index - 1, True)
            _append_group(out, inside)
        elif token == "," and tokens[index : index + 1] == [r"\!"]:
            out.append(SOFT_COMMA)
        elif token in SILENT or token in "$}":
            while token == r"\!" and index < len(tokens) and tokens[index].isspace():
                index += 1
        elif token.isspace() or token in SPACES:
            out.append(" ")
        else:
            out.append(SYNONYMS.get(token, token))
    return "".join(out)


def _argument(
    tokens: list[str], start: int, whole_number: bool, nested: bool = False
) -> tuple[list[str], int]:
    """The next group or token from `start`, and where it ends; a lone digit for `\\frac12`."""
    index = start
    while index < len(tokens) and (tokens[index].isspace() or tokens[index] in SPACES):
        index += 1
    if index == len(tokens):
        return [], index
    token = tokens[index]
    if token == "{":
        end = _closing(tokens, index, "}")
        return tokens[index + 1 : end], min(end + 1, len(tokens))
    if token == "(" and whole_number and (end := _closing(tokens, index, ")")) < len(tokens):
        return tokens[index : end + 1], end + 1
    if token.isdigit() and len(token) > 1 and not whole_number:
        tokens[index] = token[1:]
        return [token[0]], index
    if token == "-" and whole_number and index + 1 < len(tokens):
        return tokens[index : index + 2], index + 2
    if not nested and (token in FRACTIONS or token == r"\sqrt"):
        end = index + 1
        for _ in range(2 if token in FRACTIONS else 1):
            end = _argument(list(tokens), end, True, nested=True)[1]
        return tokens[index:end], end
    return [token], index + 1


def _at_top(tokens: list[str], wanted: str) -> int | None:
    """Where it stands outside all groups; None if it does so nowhere, or more than once."""
    depth, found = 0, []
    for index, token in enumerate(tokens):
        depth += (token == "{") - (token == "}")
        if token == wanted and depth == 0:
            found.append(index)
    return found[0] if len(found) == 1 else None


def _closing(tokens: list[str], start: int, closing: str) -> int:
    opening, depth = tokens[start], 0
    for end in range(start, len(tokens)):
        depth += (tokens[end] == opening) - (tokens[end] == closing)
        if depth == 0:
            return end
    return len(tokens)


def _inner(tokens: list[str]) -> str:
    return without_spaces(named_words(_rewritten(tokens)))


def _root(tokens: list[str], index: int) -> tuple[str, int]:
    while index < len(tokens) and tokens[index].isspace():
        index += 1
    if tokens[index : index + 1] == ["["] and "]" in tokens[index:]:
        end = tokens.index("]", index)
        root = _inner(tokens[index + 1 : end])
        return ("" if root == "2" else f"[{root}]"), end + 1
    return "", index


def _append_text(out: list[str], content: str, mathematics: bool) -> None:
    r"""Words stay in one `\text{}`; letters, numbers and operators inside it are mathematics."""
    words = content.replace(r"^{\circ}", " degree ").replace("~", " ").replace(r"\cdot", "*")
    words = words.replace("\\", " ")
    words = re.sub(r"[{}$]", "", " ".join(words.split())).strip(" .")
    words = re.sub(r"\b([ap])\.?m\b", r"\1m", words, flags=re.IGNORECASE)
    if number := NUMBER_FIRST.fullmatch(words):
        out.append(number[1])
        words = number[2]
    is_word = TWO_LETTERS.search(words) is not None
    # a lone letter behind a value is a unit: 12\text{ m}
    before = next((piece for piece in reversed(out) if piece != " "), "")
    is_unit = (len(words) == 1 and words.isalpha() and bool(out) and not mathematics) or (
        (before[-1:].isdigit() or before[-1:] == "}") and COMPOUND_UNIT.fullmatch(words) is not None
    )
    if words in FUNCTIONS:
        out.append("\\" + words)
    elif words in ORDINALS and out and out[-1][-1:].isdigit():
        return
    elif is_word or is_unit:
        out.append(rf"\text{{{cased(words)}}}")
    else:
        out.append(words or " ")


def _append_script(out: list[str], mark: str, inside: str) -> None:
    if mark == "^" and inside in (r"\circ", "o"):
        out.append(r"\text{degree}")
    elif mark == "^" and inside == r"\prime":
        out.append("'")
    elif mark == "_" or inside.removeprefix(r"\text{").removesuffix("}") not in ORDINALS:
        out.append(f"{mark}{{{inside}}}")


def _append_group(out: list[str], inside: list[str]) -> None:
    if inside == [","]:
        out.append(SOFT_COMMA)
        return
    content = _rewritten(inside)
    if out and CONTROL_WORD.fullmatch(out[-1]):
        # without a sign between them, \\exp{at} would become another macro
        out.append(f"({content})" if out[-1][1:] in FUNCTIONS else f"{{{content}}}")
        return
    needs_brackets = any(sign in content[1:] for sign in "+-") and not PARTED.search(content)
    out.append(f"({content})" if needs_brackets else content)
