"""From logits to tokens, one independent random stream per request."""

from __future__ import annotations

import torch

# A nucleus nearly always fits into so many tokens; sorting the whole vocabulary is far slower.
NUCLEUS_CANDIDATES = 512


def choose_tokens(
    logits: torch.Tensor, temperature: float, top_p: float, uniforms: torch.Tensor
) -> torch.Tensor:
    """The next token of each row, shape (rows,).

    logits: shape (rows, vocabulary). uniforms: numbers in [0, 1), shape (rows,), each from its
    request's own stream: the token is where the cumulative distribution passes it, so that a
    request's tokens do not depend on the rows beside it. Temperature 0 takes the likeliest token.
    """
    if temperature == 0:
        return logits.argmax(dim=-1)
    probabilities = torch.softmax(logits.float() / temperature, dim=-1)
    if top_p == 1:
        return _inverse_cdf(probabilities, uniforms)
    count = min(NUCLEUS_CANDIDATES, probabilities.shape[-1])
    candidates = probabilities.topk(count, dim=-1)
    if (candidates.values.sum(dim=-1) < top_p).any():
        candidates = probabilities.sort(dim=-1, descending=True, stable=True)
    before = candidates.values.cumsum(dim=-1) - candidates.values
    nucleus = candidates.values.masked_fill(before >= top_p, 0.0)
    choice = _inverse_cdf(nucleus, uniforms)
    return candidates.indices.gather(-1, choice[:, None]).squeeze(-1)


def _inverse_cdf(weights: torch.Tensor, uniforms: torch.Tensor) -> torch.Tensor:
    cumulative = weights.double().cumsum(dim=-1)
    targets = uniforms.to(cumulative)[:, None] * cumulative[:, -1:]
    index = torch.searchsorted(cumulative, targets, right=True).squeeze(-1)
    # Rounding may put the target at the very end, behind the last token that has any weight.
    last = (weights > 0).int().cumsum(dim=-1).argmax(dim=-1)
    return torch.minimum(index, last)
