"""Which examples are laid side by side."""

from __future__ import annotations

from collections.abc import Sequence


def pack_rows(lengths: Sequence[int], capacity: int) -> list[list[int]]:
    """Fill rows of at most `capacity` tokens by first-fit decreasing; indices into `lengths`.

    An example longer than `capacity` has a row of its own. Every index appears exactly once.
    """
    by_length = sorted(range(len(lengths)), key=lambda index: (-lengths[index], index))
    rows: list[list[int]] = []
    free: list[int] = []
    first_open = 0
    for index in by_length:
        length = lengths[index]
        for row in range(first_open, len(rows)):
            if free[row] >= length:
                rows[row].append(index)
                free[row] -= length
                break
        else:
            rows.append([index])
            free.append(capacity - length)
        shortest = lengths[by_length[-1]]
        while first_open < len(rows) and free[first_open] < shortest:
            first_open += 1
    return rows


def micro_batches(lengths: Sequence[int], budget: int) -> list[list[int]]:
    """Split one optimizer step into rows of at most `budget` tokens, as even as they can be.

    Memory is bounded by the budget; the gradient is the same for any split.
    """
    needed = max(1, -(-sum(lengths) // budget))
    rows: list[list[int]] = [[] for _ in range(needed)]
    load = [0] * needed
    for index in sorted(range(len(lengths)), key=lambda index: (-lengths[index], index)):
        row = load.index(min(load))
        if rows[row] and load[row] + lengths[index] > budget:
            rows.append([index])
            load.append(lengths[index])
            continue
        rows[row].append(index)
        load[row] += lengths[index]
    return [sorted(row) for row in rows if row]
