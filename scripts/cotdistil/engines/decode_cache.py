"""A key-value cache whose rows come and go while the others are being decoded.

All rows write the same column at each step: a row that starts later has its prompt placed so that
it ends where the others are. Positions are per row, so rotary embeddings do not notice, and two
tokens of a row are as far apart as their columns, so sliding windows stay right.
"""

from __future__ import annotations

import torch
from transformers import Cache
from transformers.cache_utils import DynamicLayer

# Columns allocated beyond what is needed now: a step that finds no room copies the whole cache.
SPARE_COLUMNS = 64


class _Layer(DynamicLayer):
    """Keys and values in place: shape (rows, key-value heads, columns, head size)."""

    def __init__(self, window: DecodeCache):
        super().__init__()
        self.window = window
        self.key_buffer: torch.Tensor | None = None
        self.value_buffer: torch.Tensor | None = None

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *args, **kwargs
    ) -> tuple[torch.Tensor, torch.Tensor]:
        rows, first, end = self.window.rows, self.window.first, self.window.end
        if self.key_buffer is None:
            self.allocate(key_states, value_states)
        self.key_buffer[:rows, :, end] = key_states[:, :, 0]
        self.value_buffer[:rows, :, end] = value_states[:, :, 0]
        return (
            self.key_buffer[:rows, :, first : end + 1],
            self.value_buffer[:rows, :, first : end + 1],
        )

    def allocate(self, keys: torch.Tensor, values: torch.Tensor) -> None:
        """Make buffers for the heads and head sizes of `keys` and `values`.

        They start as zeros: attention weighs masked columns with 0, and 0 times NaN is NaN.
        """
        for name, states in (("key_buffer", keys), ("value_buffer", values)):
            shape = (self.window.slots, states.shape[1], self.window.columns, states.shape[3])
            setattr(self, name, states.new_zeros(shape))

    def get_seq_length(self) -> int:
        return self.window.end - self.window.first

    def get_mask_sizes(self, query_length: int) -> tuple[int, int]:
        return self.get_seq_length() + query_length, 0


class DecodeCache(Cache):
    """`rows` rows in use, `most_rows` at most, each in columns [starts[row], end)."""

    def __init__(self, layer_count: int, most_rows: int):
        self.most_rows = most_rows
        self.slots = 0
        self.columns = SPARE_COLUMNS
        self.rows = 0
        self.first = 0
        self.end = 0
        self.longest = 0
        self.starts: list[int] = []
        super().__init__(layers=[_Layer(self) for _ in range(layer_count)])

    def expect(self, lengths: list[int]) -> None:
        """See that as many more rows can start, with these lengths."""
        self.longest = max(self.longest, *lengths)
        shift = min(0, self.end - self.longest)
        slots, needed = self.slots, self.rows + len(lengths)
        if needed > slots:
            slots = max(needed, min(2 * slots, self.most_rows))
        if slots > self.slots or shift:
            self._move(shift, slots, self.columns - shift)

    def start(self, row: int, length: int) -> None:
        """Begin `row`, which is in use or the next free one, with room for `length` tokens."""
        if row == self.rows:
            self.rows += 1
            self.starts.append(self.end)
        self.starts[row] = self.end - length
        self.first = min(self.starts)

    def fill(self, row: int, keys_values: list[tuple[torch.Tensor, torch.Tensor]]) -> None:
        """Put what was computed elsewhere into a row just begun.

        keys_values: per layer, keys and values of shape (key-value heads, length, head size).
        """
        columns = slice(self.starts[row], self.end)
        for layer, (keys, values) in zip(self.layers, keys_values, strict=True):
            if layer.key_buffer is None:
                layer.allocate(keys[None], values[None])
            layer.key_buffer[row, :, columns] = keys
            layer.value_buffer[row, :, columns] = values

    def remove(self, row: int) -> None:
        """Free `row`; the last row takes its place."""
        last = self.rows - 1
        if row != last:
            columns = slice(self.starts[last], self.end)
            for layer in self.layers:
                layer.key_buffer[row, :, columns] = layer.key_buffer[last, :, columns]
                layer.value_buffer[row, :, columns] = layer.value_buffer[last, :, columns]
            self.starts[row] = self.starts[last]
        self.starts.pop()
        self.rows = last
        self.first = min(self.starts, default=self.end)

    def advance(self) -> None:
        """Move on by the column just written, and see that there is room for the next.

        A prompt as long as the longest so far can still be placed.
        """
        self.end += 1
        if self.end == self.columns:
            shift = max(0, min(self.first, self.end - self.longest))
            used = self.end - shift
            self._move(shift, self.slots, max(self.columns, used + max(SPARE_COLUMNS, used // 4)))

    def _move(self, shift: int, slots: int, columns: int) -> None:
        """Into new buffers of `slots` rows and `columns` columns, `shift` columns to the left."""
        old_columns = slice(self.first, self.end)
        new_columns = slice(self.first - shift, self.end - shift)
        for layer in self.layers:
            for name in ("key_buffer", "value_buffer"):
                old = getattr(layer, name)
                if old is not None:
                    new = old.new_zeros((slots, old.shape[1], columns, old.shape[3]))
                    new[: self.rows, :, new_columns] = old[: self.rows, :, old_columns]
                    setattr(layer, name, new)
        self.slots, self.columns = slots, columns
        self.first, self.end = new_columns.start, new_columns.stop
        self.starts = [start - shift for start in self.starts]
