"""Responses in the formats in which teachers write them, brought into the canonical form.

A teacher tells its thinking from its answer by tags of its own, or sends the thinking apart; some
data sets have lost a tag, or all of them. The canonical form is that of `join_response`.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from cotdistil.responses import CLOSE, OPEN, Response, join_response, split_response

# By its finish reason; of any other reason it is not known.
CAME_TO_ITS_END = {"stop": True, "length": False}


@dataclass(frozen=True)
class CanonicalResponse(Response):
    """A response and its canonical form `text`, which `split_response` splits into the same parts.

    Where the thinking is "unclosed", `text` is the response as it was, its tag written `<think>`.
    """

    text: str


def normalise_response(text: str, thinking: str | None = None) -> CanonicalResponse:
    """Thinking and answer told apart, whatever the tags; `thinking` where it came on its own.

    White space around the parts, tags, and tokens that end a turn are taken off; no other character
    is lost. A response may lack its opening tag. One that opens its thinking and never closes it,
    or opens it again after the last closing tag, is "unclosed". A tag that an answer only mentions
    is no tag; `<think>` there is written `< think>`, because the canonical form has no other way
    to tell the two apart. To normalise again changes nothing.
    """
    text = _without_frame(text)
    thinking = _bare_thinking(thinking) if thinking else None
    if thinking:
        return _with_thinking(thinking, text)
    for opening, closing in WORDS_ALONE:
        if opened := opening.match(text):
            *_, last = [None, *closing.finditer(text, opened.end())]
            if last:
                return _closed(text[opened.end() : last.start()], text[last.end() :])
            if opened.group().endswith("\n"):
                text = f"{OPEN}\n{text[opened.end() :].lstrip()}"
    return _by_tags(text)


# --- formats ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Tags:
    """The tags of one format; a block of any format may also end with `</think>`.

    `opens`, `closes`: how its opening and its closing tags begin. To look for these first is
    several times faster than a search by pattern.
    """

    opening: re.Pattern[str]
    closing: re.Pattern[str]
    opens: tuple[str, ...]
    closes: tuple[str, ...]


THINK_OPENING, THINK_CLOSING = r"<(?i:think)\s*>", r"</\s?(?i:think)\s*>"


def _xml_tags(name: str) -> Tags:
    opening = re.compile(rf"<(?i:{name}|think)\s*>")
    return Tags(opening, re.compile(rf"</\s?(?i:{name}|think)\s*>"), ("<",), ("</",))


def _other_tags(opening: str, closing: str, closing_ends: str = "") -> Tags:
    """`closing_ends`: a pattern of what belongs to the closing tag beyond its fixed beginning."""
    return Tags(
        re.compile(f"{re.escape(opening)}|{THINK_OPENING}"),
        re.compile(f"{re.escape(closing)}{closing_ends}|{THINK_CLOSING}"),
        (opening, "<"),
        (closing, "</"),
    )


THINK = _xml_tags("think")
TAGS = (
    THINK,
    _xml_tags("thinking"),
    _xml_tags("thoughts?"),
    _xml_tags("reasoning"),
    _xml_tags("seed:think"),  # Seed-OSS
    _other_tags("<|begin_of_thought|>", "<|end_of_thought|>"),  # Sky-T1, OpenThoughts
    _other_tags("[THINK]", "[/THINK]"),  # Magistral
    _other_tags("<|START_THINKING|>", "<|END_THINKING|>"),  # Command A Reasoning
    _other_tags("<|im_start|>think", "<|im_start|>answer"),  # s1
    _other_tags(  # gpt-oss
        "<|channel|>analysis<|message|>",
        "<|channel|>final",
        r"(?:(?!<\|message\|>)[^\n]){0,80}<\|message\|>",
    ),
)
# Where special tokens were left out, the words alone are known by standing at the text's beginning.
WORDS_ALONE = (
    (re.compile(r"think[ \t]*\n"), re.compile(r"(?<=\n)answer[ \t]*(?:\n|$)")),  # s1
    (re.compile(r"analysis(?=\S)"), re.compile(r"assistantfinal")),  # gpt-oss
)
ANY_TAG = re.compile("|".join(f"{tags.opening.pattern}|{tags.closing.pattern}" for tags in TAGS))
ANSWER_TAGS = (
    (re.compile(r"<answer\s*>", re.IGNORECASE), re.compile(r"</\s?answer\s*>", re.IGNORECASE)),
    (re.compile(r"<\|begin_of_solution\|>"), re.compile(r"<\|end_of_solution\|>")),
    (re.compile(r"<\|START_RESPONSE\|>"), re.compile(r"<\|END_RESPONSE\|>")),
)
TURN_CHANGES = ("<|start|>assistant", "<|end|>", "<|im_end|>")  # between thinking and answer
TURN_STARTS = (
    "<｜Assistant｜>",
    "<|im_start|>assistant",
    "<|start|>assistant",
    "<|channel|>final<|message|>",
    "<|begin_of_text|>",
)
TURN_ENDS = (
    "<|im_end|>",
    "<|eot_id|>",
    "<|eom_id|>",
    "<|end_of_text|>",
    "<|endoftext|>",
    "<｜end▁of▁sentence｜>",
    "</s>",
    "<eos>",
    "<end_of_turn>",
    "<|end|>",
    "<|return|>",
    "<|END_OF_TURN_TOKEN|>",
)


# --- how they are read --------------------------------------------------------------------------


def _by_tags(text: str) -> CanonicalResponse:
    """Split at the last closing tag of the format that the text opens with, or else shows."""
    begun_with = next((tags for tags in TAGS if tags.opening.match(text)), None)
    if begun_with is None and not _found(ANY_TAG, ("<", "["), text):
        return CanonicalResponse(None, text, "none", text)
    for tags in [begun_with] if begun_with else TAGS:
        # Without an opening tag, a foreign closing tag in running prose is more likely a mention.
        least = PROSE if begun_with or tags is THINK else TAG
        closing = _last_tag(tags, text, least)
        if closing is None:
            continue
        again = _first_tag(tags, text, closing.end())
        if again:
            return _unclosed(text, again)
        before, after = text[: closing.start()], text[closing.end() :]
        opening = begun_with.opening.match(text) if begun_with else _at_line_start(tags, before)
        if opening is None:
            return _closed(before, after)
        preamble, inner = before[: opening.start()].rstrip(), before[opening.end() :].lstrip()
        if preamble and not after.strip() and tags is not THINK:
            continue  # the answer came first: there is nothing to tell apart
        return _closed(f"{preamble}\n\n{inner}" if preamble else inner, after)
    for tags in [begun_with] if begun_with else TAGS:
        opening = _first_tag(tags, text) if tags is THINK else _at_line_start(tags, text)
        if opening and (tags is begun_with or _last_tag(tags, text, TAG) is None):
            return _unclosed(text, opening)
    answer = _mentioning(text)
    return CanonicalResponse(None, answer, "none", answer)


MENTION, PROSE, TAG = range(3)
QUOTES = ("``", "''", '""', "‘’", "“”", "«»")


def _standing(tag: re.Match[str]) -> int:
    """MENTION in quotes; PROSE between words of one line and blanks; TAG anywhere else."""
    text, start, end = tag.string, tag.start(), tag.end()
    left, right = text[start - 1 : start], text[end : end + 1]
    if left + right in QUOTES:
        return MENTION
    if left in (" ", "\t") and right and right in " \t.,;:!?)":
        line_before = text[max(0, start - 80) : start].rpartition("\n")[2]
        line_after = text[end : end + 80].partition("\n")[0]
        if line_before.strip() and line_after.strip():
            return PROSE
    return TAG


def _last_tag(tags: Tags, text: str, least: int) -> re.Match[str] | None:
    """The last closing tag; one in prose only if there is no better one and `least` allows it."""
    found = _found(tags.closing, tags.closes, text)
    for wanted in range(TAG, least - 1, -1):
        for tag in reversed(found):
            if _standing(tag) == wanted:
                return tag
    return None


def _first_tag(tags: Tags, text: str, start: int = 0) -> re.Match[str] | None:
    """The first opening tag from `start` on that is not only mentioned."""
    found = _found(tags.opening, tags.opens, text, start)
    return next((tag for tag in found if _standing(tag) == TAG), None)


def _at_line_start(tags: Tags, text: str) -> re.Match[str] | None:
    for tag in _found(tags.opening, tags.opens, text):
        if not text[text.rfind("\n", 0, tag.start()) + 1 : tag.start()].strip():
            return tag
    return None


def _found(
    pattern: re.Pattern[str], starts: Iterable[str], text: str, start: int = 0
) -> list[re.Match[str]]:
    """The tags from `start` on, in their order."""
    found = {}
    for first in starts:
        at = text.find(first, start)
        while at >= 0:
            if tag := pattern.match(text, at):
                found[at] = tag
            at = text.find(first, at + 1)
    return [found[at] for at in sorted(found)]


# --- how they are written -----------------------------------------------------------------------


def _closed(thinking: str, answer: str) -> CanonicalResponse:
    thinking, answer = _without(TURN_CHANGES, thinking).strip(), _bare_answer(answer)
    return CanonicalResponse(thinking, answer, "closed", join_response(thinking, answer))


def _unclosed(text: str, opening: re.Match[str]) -> CanonicalResponse:
    head, tail = text[: opening.start()], _mentioning(text[opening.end() :], _THINK_END)
    text = (head + OPEN + tail).rstrip()
    return CanonicalResponse(split_response(text).thinking, "", "unclosed", text)


def _with_thinking(thinking: str, text: str) -> CanonicalResponse:
    """Thinking that came on its own, and the answer in `text`, which may repeat the thinking."""
    if not text:
        return normalise_response(f"{OPEN}\n{_mentioning(thinking, _THINK_END)}")
    rest = normalise_response(text)
    if rest.think == "unclosed":
        return normalise_response(f"{OPEN}\n{thinking}\n{CLOSE}\n\n{rest.text}")
    if rest.thinking and rest.thinking != thinking:
        thinking = f"{thinking}\n\n{rest.thinking}"
    return _closed(thinking, rest.answer)


def _bare_thinking(thinking: str) -> str:
    """Thinking without the tags that may enclose it."""
    parts = normalise_response(thinking)
    return thinking.strip() if parts.answer else (parts.thinking or "").strip()


def _without_frame(text: str) -> str:
    """The text without the tokens that start and end a turn."""
    start = 0
    text = _without(TURN_ENDS, text)
    while token := next((token for token in TURN_STARTS if text.startswith(token, start)), ""):
        start += len(token)
        while text[start : start + 1].isspace():
            start += 1
    return text[start:]


def _without(tokens: tuple[str, ...], text: str) -> str:
    """The text without white space around it and the tokens at its end."""
    text = text.strip()
    end = len(text)
    while end:
        if text[end - 1].isspace():
            end -= 1
        elif token := next((token for token in tokens if text.endswith(token, 0, end)), ""):
            end -= len(token)
        else:
            break
    return text[:end]


def _bare_answer(answer: str) -> str:
    """The answer without the tags that enclose it."""
    before = None
    while answer != before:
        before, answer = answer, _without_frame(answer)
        for opening, closing in ANSWER_TAGS:
            opened = opening.match(answer)
            if opened:
                answer = closing.sub("", answer[opened.end() :], count=1)
    return _mentioning(answer)


_THINK_TAG = re.compile(f"{THINK_OPENING}|{THINK_CLOSING}")
_THINK_END = re.compile(THINK_CLOSING)


def _mentioning(text: str, tag: re.Pattern[str] = _THINK_TAG) -> str:
    """The text with its think tags written so that none is read as a tag."""
    return tag.sub(lambda found: "< " + found.group()[1:], text) if "<" in text else text
