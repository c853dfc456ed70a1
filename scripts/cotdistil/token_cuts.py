"""Where a text can be cut without a change of its tokens."""

import re
from dataclasses import dataclass

# All that any engine of regular expressions takes for white space, or might (the controls).
_SPACES = r"\x00-\x20\x7f-\xa0\u1680\u180e\u2000-\u200f\u2028-\u202f\u205f-\u2064\u3000\ufeff"
_SOLID, _SPACE = f"[^{_SPACES}]", f"[{_SPACES}]"


@dataclass(frozen=True)
class Cuts:
    """cut: matches, without a character, wherever the text can be cut.

    word: matches from one such place to the next.
    """

    cut: re.Pattern[str]
    word: re.Pattern[str]

    def words(self, text: str, start: int, end: int) -> list[str]:
        """What stands from `start` to `end`, both places to cut or ends of the text."""
        return self.word.findall(text, start, end)

    def around(self, text: str, position: int) -> tuple[int, int]:
        """The last place before `position` and the first from there on, or the text's ends."""
        before = 0
        for start in (max(0, position - 200), 0):
            places = [match.start() for match in self.cut.finditer(text, start, position)]
            if places:
                before = places[-1]
                break
        after = self.cut.search(text, position)
        return before, after.start() if after else len(text)


NOWHERE = Cuts(re.compile("(?!)"), re.compile("(?s:.+)"))
# White space belongs to the word behind it.
BEFORE_SPACES_AND_BREAKS = Cuts(
    re.compile(rf"(?<={_SOLID})(?=[ \n])"),
    re.compile(rf"(?s:.)[^ \n]*(?:(?<={_SPACE})[ \n]+[^ \n]*)*"),
)
# A space belongs to the word behind it, a line break to the one before it.
BEFORE_SPACES_AFTER_BREAKS = Cuts(
    re.compile(rf"(?<={_SOLID})(?= )|(?<=\n)(?={_SOLID})"),
    re.compile(rf"(?s:.)(?:(?<!\n)[^ \n]+|\n+|(?<={_SPACE}) +|(?<=\n)(?! ){_SPACE})*"),
)
# Expressions by which tokenizers first separate words, and where none of their matches goes on,
# whatever stands on both sides. In all of them a space only begins a match or is in a run of white
# space, and nothing looks back. So it is with line breaks in the first, GPT-2's. In the others, of
# Llama 3, Qwen2 to Qwen3, and Qwen3.5, a match that comes to a line break takes all that follow,
# and ends.
_EXPRESSIONS = {
    r"""'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+""": (
        BEFORE_SPACES_AND_BREAKS
    ),
    r"""(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}"""
    r"""| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+""": BEFORE_SPACES_AFTER_BREAKS,
    r"""(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}"""
    r"""| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+""": BEFORE_SPACES_AFTER_BREAKS,
    r"""(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}"""
    r"""| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+""": BEFORE_SPACES_AFTER_BREAKS,
}


def cuts_of(description: dict) -> Cuts:
    """Where any text can be cut for a tokenizer, so that the parts have the tokens of the whole.

    description: what tokenizer.json says. `NOWHERE` unless it is certain.
    """
    normalizer = description["normalizer"]
    if normalizer is not None and normalizer["type"] != "NFC":
        return NOWHERE
    if description["model"].get("dropout"):
        return NOWHERE
    for token in description["added_tokens"]:
        beside = token["lstrip"] or token["rstrip"] or token["single_word"]
        if beside or re.search(r"\s", token["content"]):
            return NOWHERE
    pre_tokenizer = description["pre_tokenizer"] or {}
    steps = pre_tokenizer.get("pretokenizers", [pre_tokenizer])
    if not {"Digits", "ByteLevel", "Split"} >= {step.get("type") for step in steps}:
        return NOWHERE
    if any(step.get("add_prefix_space") for step in steps):
        return NOWHERE
    # Splitting off digits does not go on over any cut; what follows a separation sees words only.
    return _cuts_of_step(next((step for step in steps if step["type"] != "Digits"), {}))


def _cuts_of_step(step: dict) -> Cuts:
    if step.get("type") == "ByteLevel" and step.get("use_regex", True):
        return BEFORE_SPACES_AND_BREAKS
    if step.get("behavior") == "Isolated" and not step["invert"]:
        return _EXPRESSIONS.get(step["pattern"].get("Regex"), NOWHERE)
    return NOWHERE
