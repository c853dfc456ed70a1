"""Preference pairs for DPO (arXiv 2305.18290): pruned trace chosen, full trace rejected."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cotdistil.prompts import user_message

if TYPE_CHECKING:
    import pyarrow as pa


def preference_pair(
    row: dict, pruned: dict, instruction: str | None, tokens: tuple[int, int]
) -> dict:
    """A row of pairs.parquet, in TRL's conversational form with the prompt apart.

    row, pruned: of the training set before and after; instruction: what stands below each question;
    tokens: of the chosen and of the rejected response.
    """
    chosen, rejected = tokens
    return {
        "problem_id": row["problem_id"],
        "question": row["question"],
        "gold": row["gold"],
        "prompt": [_message("user", user_message(row["question"], instruction))],
        "chosen": [_message("assistant", pruned["response"])],
        "rejected": [_message("assistant", row["response"])],
        "chosen_tokens": chosen,
        "rejected_tokens": rejected,
    }


def pairs_schema(training_set: pa.Schema) -> pa.Schema:
    """The columns of pairs.parquet."""
    import pyarrow as pa

    messages = pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))
    return pa.schema(
        [
            *(training_set.field(name) for name in ("problem_id", "question", "gold")),
            ("prompt", messages),
            ("chosen", messages),
            ("rejected", messages),
            ("chosen_tokens", pa.int64()),
            ("rejected_tokens", pa.int64()),
        ]
    )


def _message(role: str, content: str) -> dict[str, str]:
    return {"role": role, "content": content}
