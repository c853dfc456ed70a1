"""Checkpoints by the clock, and which of them is whole."""

from __future__ import annotations

import time
from pathlib import Path

from transformers import TrainerCallback

_WHOLE = "whole"


def last_whole_checkpoint(folder: Path) -> Path | None:
    """The newest checkpoint that was written to its end, if any."""
    whole = [path.parent for path in folder.glob(f"checkpoint-*/{_WHOLE}")]
    return max(whole, key=lambda path: int(path.name.removeprefix("checkpoint-")), default=None)


class TimedCheckpoints(TrainerCallback):
    """Asks for a checkpoint when `seconds` have passed since the last one, and marks it whole.

    A large model waits up to ten times longer, so that writing takes a tenth of the time. The
    trainer keeps two checkpoints: a kill while one is written leaves the other.
    """

    def __init__(self, folder: Path, seconds: float = 60.0):
        self.folder = folder
        self.seconds = seconds
        self._asked = self._written = time.monotonic()

    def on_step_end(self, args, state, control, **_):
        now = time.monotonic()
        took = self._written - self._asked
        wait = max(self.seconds, min(9 * took, 10 * self.seconds))
        control.should_save = now - self._written >= wait and state.global_step < state.max_steps
        if control.should_save:
            self._asked = now
        return control

    def on_save(self, args, state, control, **_):
        (self.folder / f"checkpoint-{state.global_step}" / _WHOLE).touch()
        self._written = time.monotonic()


class ReportProgress(TrainerCallback):
    """Tells the job how many optimizer steps are done."""

    def __init__(self, progress):
        self.progress = progress

    def on_step_end(self, args, state, control, **_):
        self.progress(state.global_step, state.max_steps, "steps")
