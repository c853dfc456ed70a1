"""Placeholder until merged."""

from collections.abc import Iterator
from pathlib import Path


def read_step_ends(steps_folder: Path) -> Iterator[list[int]]:
    yield []
