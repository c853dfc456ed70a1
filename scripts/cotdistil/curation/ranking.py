"""Random choices that a small change of what there is to choose from changes little."""

import hashlib
from collections.abc import Iterable, Sequence


def ranked(names: Iterable[str], seed: int) -> list[str]:
    """Names in an order that only the seed and the names decide."""
    return sorted(names, key=lambda name: rank(name, seed))


def rank(name: str, seed: int) -> bytes:
    """Where a name stands in the order of `ranked`."""
    return hashlib.sha256(f"{seed}:{name}".encode()).digest()


def share_out(count: int, weights: Sequence[float]) -> list[int]:
    """Whole shares that follow the weights, by largest remainder; they sum to `count`."""
    total = sum(weights)
    exact = [count * weight / total for weight in weights]
    shares = [int(share) for share in exact]
    by_remainder = sorted(range(len(exact)), key=lambda part: shares[part] - exact[part])
    for part in by_remainder[: count - sum(shares)]:
        shares[part] += 1
    return shares
