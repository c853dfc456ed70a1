"""Cutting responses at a number of tokens, and counting what is lost."""

from pathlib import Path

ANSWER = "\\boxed"


class Truncation:
    """Cuts at `max_tokens` tokens of the tokenizer in a model's folder.

    ledger: how many rows were cut, and how many tokens and final answers that took away.
    """

    def __init__(self, model: Path, max_tokens: int):
        from transformers import AutoTokenizer

        self.tokenizer = AutoTokenizer.from_pretrained(model)
        self.max_tokens = max_tokens
        self.ledger = {"rows_truncated": 0, "tokens": 0, "answers": 0}

    def shorten(self, text: str) -> str:
        """The text, or as much of it as its first `max_tokens` tokens spell."""
        ends = self.tokenizer(
            text,
            add_special_tokens=False,
            split_special_tokens=True,
            return_offsets_mapping=True,
        ).offset_mapping
        if len(ends) <= self.max_tokens:
            return text
        kept = text[: ends[self.max_tokens - 1][1]]
        self.ledger["rows_truncated"] += 1
        self.ledger["tokens"] += len(ends) - self.max_tokens
        self.ledger["answers"] += text.rfind(ANSWER) >= len(kept)
        return kept
