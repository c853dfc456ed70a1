"""A model of a few hundred kilobytes with random weights, made offline, for tests."""

from __future__ import annotations

from pathlib import Path

CHAT_TEMPLATE = (
    "{% for message in messages %}"
    "{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>\\n' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)
SPECIAL_TOKENS = ("<|pad|>", "<|im_start|>", "<|im_end|>")


def make_tiny_tokenizer(folder: Path, pad_is_eos: bool = False) -> Path:
    """Save a tokenizer with a token for each byte and a ChatML template; vocabulary of 259.

    pad_is_eos: pad with the end token, as SmolLM2 does.
    """
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {token: index for index, token in enumerate((*SPECIAL_TOKENS, *alphabet))}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(
        [AddedToken(token, special=True, normalized=False) for token in SPECIAL_TOKENS]
    )
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        eos_token="<|im_end|>",
        pad_token="<|im_end|>" if pad_is_eos else "<|pad|>",
        additional_special_tokens=["<|im_start|>"],
        chat_template=CHAT_TEMPLATE,
        clean_up_tokenization_spaces=False,
    ).save_pretrained(folder)
    return folder


def make_tiny_model(
    folder: Path,
    seed: int = 0,
    positions: int = 1024,
    layers: int = 2,
    model_type: str = "llama",
    pad_is_eos: bool = False,
    **settings: object,
) -> Path:
    """Save a random model of `model_type` and its tokenizer in `folder`, and return `folder`.

    model_type: a decoder that transformers knows, such as llama, mistral, qwen3, gemma3_text.
    settings: of the model's config, such as `sliding_window`. The same seed gives the same weights.
    Greedy decoding writes ASCII alone, so that different tokens are different text.
    """
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

    make_tiny_tokenizer(folder, pad_is_eos)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    defaults = {
        "vocab_size": len(tokenizer),
        "hidden_size": 64,
        "intermediate_size": 128,
        "num_hidden_layers": layers,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "head_dim": 32,
        "max_position_embeddings": positions,
        "tie_word_embeddings": True,
        "bos_token_id": None,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
        # Wide enough that the likeliest token has no near tie, which engines may break either way.
        "initializer_range": 0.2,
    }
    config = AutoConfig.for_model(model_type, **defaults | settings)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    unlikely = [i for i in range(len(tokenizer)) if not tokenizer.decode([i]).isascii()]
    unlikely += tokenizer.convert_tokens_to_ids(["<|pad|>", "<|im_start|>"])
    with torch.no_grad():
        model.get_output_embeddings().weight[unlikely] *= 0.1
    model.eval().save_pretrained(folder)
    return folder
