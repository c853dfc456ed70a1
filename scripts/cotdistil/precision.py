"""Which floating-point type a model runs in on this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cotdistil.errors import UserError

if TYPE_CHECKING:
    import torch

NAMES = ("auto", "float32", "bfloat16")


def has_native_bfloat16() -> bool:
    """Whether this machine multiplies bfloat16 matrices in hardware: on its GPU, else on its CPU.

    A CPU without AVX512-BF16 or AMX emulates bfloat16, about 100 times slower than float32.
    """
    import torch

    if torch.cuda.is_available():
        return torch.cuda.is_bf16_supported(including_emulation=False)
    capabilities = torch.cpu.get_capabilities()
    return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))


def pick_dtype(name: str) -> torch.dtype:
    """The torch type for `auto`, `float32` or `bfloat16`.

    `auto` is bfloat16 where the machine computes it natively, and float32 elsewhere.
    Raises `UserError` for any other name.
    """
    import torch

    if name not in NAMES:
        raise UserError(f"precision: found '{name}'; expected one of {', '.join(NAMES)}")
    if name == "auto":
        name = "bfloat16" if has_native_bfloat16() else "float32"
    return getattr(torch, name)
