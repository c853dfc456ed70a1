"""The trained student as a model folder: adapter merged, bfloat16, tied embeddings still tied."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase


def save_student(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    end_of_turn: int,
    folder: Path,
) -> None:
    """Write `model` (a PEFT model or a plain one) and its tokenizer into `folder`.

    Generation stops at the end of the turn in whatever loads the folder.
    """
    if hasattr(model, "merge_and_unload"):
        # The sum of weight and adapter is rounded once: in float32, then to bfloat16.
        model = model.float().merge_and_unload()
    model = model.to(torch.bfloat16)
    if model.config.get_text_config().tie_word_embeddings:
        shared = model.get_input_embeddings().weight.data_ptr()
        assert model.get_output_embeddings().weight.data_ptr() == shared, "embeddings came untied"
    stops = model.generation_config.eos_token_id
    stops = [] if stops is None else [stops] if isinstance(stops, int) else list(stops)
    if end_of_turn not in stops:
        model.generation_config.eos_token_id = [end_of_turn, *stops]
    model.config.use_cache = True
    model.set_attn_implementation("sdpa")
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
