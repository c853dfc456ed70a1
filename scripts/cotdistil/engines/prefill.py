"""Reading prompts: their keys and values, each distinct prompt once and what all share once."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from transformers import DynamicCache

# Prompt tokens, padding included, that one forward pass reads: bounds the activations' memory.
PREFILL_TOKENS = 8192

KeysValues = list[tuple[torch.Tensor, torch.Tensor]]
"""Per layer, keys and values of shape (key-value heads, tokens, head size)."""


class Prefill:
    """Reads prompts, all but their last token. What they have in common is read once.

    prompts: all that will be read, where that is known. Otherwise what is common is found in those
    that are read first, and gets less when one comes that begins in another way.
    """

    def __init__(self, model: torch.nn.Module, prompts: Sequence[list[int]] = ()):
        self.model = model
        self.prefix = common_prefix([tuple(prompt[:-1]) for prompt in prompts]) if prompts else None
        self.prefix_states: KeysValues | None = None

    def read(self, prompts: Sequence[list[int]]) -> list[KeysValues | None]:
        """The keys and values of each prompt; None for a prompt of one token.

        prompts: longest first, so that little is padding.
        """
        read: dict[tuple[int, ...], KeysValues | None] = {}
        distinct = list(dict.fromkeys(tuple(prompt[:-1]) for prompt in prompts))
        self._find_prefix(distinct)
        begin = 0
        while begin < len(distinct):
            size = max(1, PREFILL_TOKENS // max(1, len(distinct[begin])))
            group = distinct[begin : begin + size]
            rests = [list(prompt[len(self.prefix) :]) for prompt in group]
            states = self._read(rests, self.prefix_states) if any(rests) else None
            for index, prompt in enumerate(group):
                read[prompt] = states[index] if states else self.prefix_states
            begin += size
        return [read[tuple(prompt[:-1])] for prompt in prompts]

    def _find_prefix(self, prompts: list[tuple[int, ...]]) -> None:
        known = [] if self.prefix is None else [self.prefix]
        self.prefix = common_prefix(known + prompts)
        if not self.prefix:
            self.prefix_states = None
        elif self.prefix_states is None:
            self.prefix_states = self._read([list(self.prefix)], None)[0]
        else:
            # A token looks at none behind it: the states of a shorter beginning are the same.
            end = len(self.prefix)
            self.prefix_states = [(k[:, :end], v[:, :end]) for k, v in self.prefix_states]

    def _read(self, rests: list[list[int]], prefix: KeysValues | None) -> list[KeysValues]:
        """Keys and values of prefix and rest, per rest. Padding comes last, where none looks."""
        device = self.model.device
        width = max(map(len, rests))
        cache = DynamicCache()
        prefix_length = 0
        for index, (keys, values) in enumerate(prefix or []):
            shape = (len(rests), *keys.shape)
            cache.update(keys.expand(shape), values.expand(shape), index)
            prefix_length = keys.shape[1]
        self.model(
            input_ids=torch.tensor([rest + [0] * (width - len(rest)) for rest in rests]).to(device),
            past_key_values=cache,
            use_cache=True,
            logits_to_keep=1,
        )
        return [
            [
                (
                    layer.keys[row, :, : prefix_length + len(rest)],
                    layer.values[row, :, : prefix_length + len(rest)],
                )
                for layer in cache.layers
            ]
            for row, rest in enumerate(rests)
        ]


def common_prefix(prompts: Sequence[tuple[int, ...]]) -> tuple[int, ...]:
    """The tokens that all prompts begin with."""
    # Every prompt lies between the least and the greatest, and so shares what these two share.
    least, greatest = min(prompts), max(prompts)
    length = 0
    while length < len(least) and least[length] == greatest[length]:
        length += 1
    return least[:length]
