"""Many examples in one row, without padding, and what all their prompts begin with only once.

The hidden states of a common beginning (system prompt, wording of the task) depend on nothing that
comes after it, so computing them once per row gives the gradient of computing them per example.
"""

from __future__ import annotations

import torch
from torch.nn.functional import scaled_dot_product_attention

NAME = "shared_prefix"

# Architectures whose tokens meet in attention only, so that isolation there isolates examples.
# Others (state-space, linear attention, ...) get one example per row.
ISOLATING = frozenset(
    {"llama", "qwen2", "qwen3", "mistral", "gemma3_text", "olmo2", "smollm3", "phi3", "granite"}
)


def lay_out(examples: list[tuple[torch.Tensor, int]]) -> dict:
    """One row of several examples (token ids of shape (length,), prompt length).

    Returns input_ids, labels (-100 on prompts) and position_ids of shape (1, tokens), the number
    `prefix_length` of tokens that all examples share, and `segment_ends`, where each example ends.
    """
    prefix = _common_prompt(examples)
    ids, labels, positions, ends = [], [], [], []
    for index, (tokens, prompt_length) in enumerate(examples):
        start = prefix if index else 0
        label = tokens.clone()
        label[:prompt_length] = -100
        ids.append(tokens[start:])
        labels.append(label[start:])
        positions.append(torch.arange(start, len(tokens)))
        ends.append((ends[-1] if ends else 0) + len(tokens) - start)
    return {
        "input_ids": torch.cat(ids)[None],
        "labels": torch.cat(labels)[None],
        "position_ids": torch.cat(positions)[None],
        "prefix_length": prefix,
        "segment_ends": ends,
    }


def _common_prompt(examples: list[tuple[torch.Tensor, int]]) -> int:
    """Tokens that all prompts begin with, at least one short of the shortest prompt.

    The token before a response must be the example's own: it predicts the first learned token.
    """
    if len(examples) == 1:
        return 0
    limit = min(prompt_length for _, prompt_length in examples) - 1
    prompts = torch.stack([tokens[:limit] for tokens, _ in examples])
    differs = (prompts != prompts[0]).any(0).nonzero()
    return int(differs[0]) if len(differs) else limit


def attend(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    scaling: float | None = None,
    dropout: float = 0.0,
    sliding_window: int | None = None,
    prefix_length: int = 0,
    segment_ends: list[int] | None = None,
    **_: object,
) -> tuple[torch.Tensor, None]:
    """Causal attention of each example to itself and to the shared prefix.

    query: (1, heads, tokens, d); key and value: (1, key heads, tokens, d). Returns (1, tokens,
    heads, d), as transformers' attention functions do.
    """
    tokens = query.shape[2]
    outputs, start = [], 0
    for end in segment_ends or [tokens]:
        own = [slice(start, end)] if start == 0 else [slice(0, prefix_length), slice(start, end)]
        q, k, v = (
            torch.cat([states[:, :, part] for part in own], dim=2)
            if len(own) > 1
            else states[:, :, own[0]]
            for states in (query, key, value)
        )
        mask = _window(q.shape[2], sliding_window, q.device)
        # The prefix's queries are repeated so that the plain causal kernel serves every example.
        output = scaled_dot_product_attention(
            q, k, v, attn_mask=mask, dropout_p=dropout, is_causal=mask is None,
            scale=scaling, enable_gqa=q.shape[1] != k.shape[1],
        )  # fmt: skip
        outputs.append(output[:, :, prefix_length if start else 0 :])
        start = end
    return torch.cat(outputs, dim=2).transpose(1, 2).contiguous(), None


def _window(tokens: int, sliding_window: int | None, device: torch.device) -> torch.Tensor | None:
    if not sliding_window or tokens <= sliding_window:
        return None
    distance = torch.arange(tokens, device=device)
    distance = distance[:, None] - distance[None, :]
    return (distance >= 0) & (distance < sliding_window)


def use_shared_prefix(model: torch.nn.Module) -> bool:
    """Switch `model` to the attention above; False if its architecture can't isolate examples."""
    if model.config.model_type not in ISOLATING:
        return False
    from transformers import AttentionInterface, AttentionMaskInterface

    AttentionInterface.register(NAME, attend)
    AttentionMaskInterface.register(NAME, lambda *_, **__: None)
    model.set_attn_implementation(NAME)
    return True
