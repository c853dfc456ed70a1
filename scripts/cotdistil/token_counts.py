"""How many tokens a response has, and how many of them are its thinking and its answer.

A corpus may have gigabytes of text, and its words repeat. Where a tokenizer keeps words apart, each
word is tokenised once, by the tokenizer itself, and looked up when it comes again. A tokenizer that
may join words gets whole texts.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cotdistil.errors import UserError
from cotdistil.responses import CLOSE, OPEN, split_response
from cotdistil.token_cuts import cuts_of

if TYPE_CHECKING:
    from tokenizers import Encoding
    from transformers import PreTrainedTokenizerBase

# What the remembered words may take, in bytes, and what each takes beside its characters.
_MEMORY, _ENTRY = 150_000_000, 200


@dataclass(frozen=True)
class ResponseTokens:
    """Tokens of a response and of its two parts; `thinking + answer <= response`.

    What is in neither part: the tags, and the line breaks between tag and part.
    """

    thinking: int
    answer: int
    response: int


@dataclass(frozen=True)
class Piece:
    """Words from `start` to `middle`, then a window from there to `end`.

    A window is the least that is cut out around the beginning or the end of a part.
    """

    words: list[str]
    start: int
    middle: int
    end: int


class TokenCounter:
    """Counts the tokens of responses, as training does.

    `response` is exactly the length of `tokenizer(text, add_special_tokens=False,
    split_special_tokens=True).input_ids`. A token counts for the part in which it begins (see
    `split_response`).

    Raises `UserError` if the tokenizer is not one of the library `tokenizers`.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase):
        from tokenizers import Tokenizer

        if not tokenizer.is_fast:
            raise UserError(
                f"{tokenizer.name_or_path}: found a tokenizer written in Python; expected one with"
                " tokenizer.json, which also says where each token begins; count with another model"
            )
        description = json.loads(tokenizer.backend_tokenizer.to_str())
        # It adds nothing here, but may move the beginnings of tokens behind their white space.
        description["post_processor"] = None
        self._tokenizer = Tokenizer.from_str(json.dumps(description))
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self._tokenizer.encode_special_tokens = True
        self._cuts = cuts_of(description)
        self._known: dict[str, int] = {}
        self._size = 0

    def count(self, responses: Sequence[str]) -> list[ResponseTokens]:
        """The counts of each response, in their order."""
        spans = [part_spans(response) for response in responses]
        pieces = [self._pieces(text, marks) for text, marks in zip(responses, spans, strict=True)]
        in_words = iter(self._count_words([piece.words for each in pieces for piece in each]))
        windows = [
            text[piece.middle : piece.end]
            for text, each in zip(responses, pieces, strict=True)
            for piece in each
        ]
        encodings = iter(self._tokenizer.encode_batch(windows, add_special_tokens=False))
        counts = []
        for (start, end, answer), each in zip(spans, pieces, strict=True):
            before, total = _before((start, end, answer), each, in_words, encodings)
            thinking = before[end] - before[start]
            counts.append(ResponseTokens(thinking, total - before[answer], total))
        return counts

    def _pieces(self, text: str, marks: Sequence[int]) -> list[Piece]:
        """The whole text; each mark is in a window, or at an end of one or of the text."""
        pieces, position = [], 0
        for mark in marks:
            if position < mark < len(text):
                middle, end = self._cuts.around(text, mark)
                words = self._cuts.words(text, position, middle)
                pieces.append(Piece(words, position, middle, end))
                position = end
        words = self._cuts.words(text, position, len(text))
        return [*pieces, Piece(words, position, len(text), len(text))]

    def _count_words(self, texts: Sequence[list[str]]) -> list[int]:
        """The number of tokens of each text, given as its words."""
        if self._size > _MEMORY:
            self._known.clear()
            self._size = 0
        counts = [[*map(self._known.get, words)] for words in texts]
        new = {
            word
            for words, each in zip(texts, counts, strict=True)
            if None in each
            for word, count in zip(words, each, strict=True)
            if count is None
        }
        self._learn(list(new))
        return [
            sum(map(self._known.__getitem__, words)) if None in each else sum(each)
            for words, each in zip(texts, counts, strict=True)
        ]

    def _learn(self, words: list[str]) -> None:
        encodings = self._tokenizer.encode_batch_fast(words, add_special_tokens=False)
        self._known.update((word, len(each)) for word, each in zip(words, encodings, strict=True))
        self._size += sum(map(len, words)) + _ENTRY * len(words)


def _before(
    marks: Sequence[int], pieces: list[Piece], in_words: Iterator[int], encodings: Iterator
) -> tuple[dict[int, int], int]:
    """Mark -> tokens that begin before it; and the number of all tokens.

    in_words, encodings: of the pieces' words and windows.
    """
    before, tokens = {0: 0}, 0
    for piece in pieces:
        tokens += next(in_words)
        encoding, length = next(encodings), piece.end - piece.middle
        for mark in marks:
            if piece.start < mark <= piece.end:
                before[mark] = tokens + _begin_before(encoding, mark - piece.middle, length)
        tokens += len(encoding)
    return before, tokens


def part_spans(response: str) -> tuple[int, int, int]:
    """Where the thinking begins and ends and where the answer begins, in characters.

    The parts are those of `split_response`. Where text stands before a think block that is never
    closed, the thinking has that text and the tag after it.
    """
    parts = split_response(response)
    answer = len(response) - len(parts.answer)
    if parts.thinking is None:
        return 0, 0, answer
    end = len(response)
    if parts.think == "closed":
        end = response.rindex(CLOSE)
        end -= response[end - 1 : end] == "\n"
    elif CLOSE not in response and not response.lstrip().startswith(OPEN):
        return len(response) - len(response.lstrip()), end, answer
    return end - len(parts.thinking), end, answer


def _begin_before(encoding: Encoding, mark: int, length: int) -> int:
    """How many tokens of a text of `length` characters begin before the character `mark`."""
    for position in range(mark, length):
        token = encoding.char_to_token(position)
        if token is not None:
            while token < len(encoding) and encoding.token_to_chars(token)[0] < mark:
                token += 1
            return token
    return len(encoding)
