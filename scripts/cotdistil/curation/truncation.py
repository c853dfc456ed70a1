"""Cutting responses at a number of tokens, and counting what is lost."""

from pathlib import Path

from cotdistil.training.examples import has_answer_beyond


class Truncation:
    """Cuts at `max_tokens` tokens of the tokenizer in a model's folder.

    ledger: how many rows were cut, and how many tokens and final answers that took away; an answer
    counts as soon as a part of it is gone.
    """

    def __init__(self, model: Path, max_tokens: int):
        from transformers import AutoTokenizer

        self.tokenizer = AutoTokenizer.from_pretrained(model)
        self.max_tokens = max_tokens
        self.ledger = {"rows_truncated": 0, "tokens": 0, "answers": 0}

    def shorten(self, text: str) -> str:
        """The text, or the whole characters that its first `max_tokens` tokens spell."""
        ends = self.tokenizer(
            text,
            add_special_tokens=False,
            split_special_tokens=True,
            return_offsets_mapping=True,
        ).offset_mapping
        if len(ends) <= self.max_tokens:
            return text
        # A character may be several tokens, and each of these says that it ends where that ends.
        kept = text[: min(ends[self.max_tokens - 1][1], ends[self.max_tokens][0])]
        self.ledger["rows_truncated"] += 1
        self.ledger["tokens"] += len(ends) - self.max_tokens
        self.ledger["answers"] += has_answer_beyond(text, len(kept))
        return kept
