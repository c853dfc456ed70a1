"""How much memory the keys and values of a token take."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from transformers import PretrainedConfig


def cache_bytes_per_token(config: PretrainedConfig, itemsize: int) -> int:
    """Bytes of keys and values per token over all layers. itemsize: bytes of one number."""
    config = config.get_text_config()
    heads = getattr(config, "num_key_value_heads", None) or config.num_attention_heads
    head_size = getattr(config, "head_dim", None) or (
        config.hidden_size // config.num_attention_heads
    )
    return 2 * config.num_hidden_layers * heads * head_size * itemsize
