"""A teacher that vLLM runs here, on GPUs or on the CPU."""

from __future__ import annotations

from collections.abc import Iterable

from cotdistil.job import Job
from cotdistil.teaching.local_model import LocalTeacher
from cotdistil.teaching.teacher import Teacher


def open_teacher(job: Job, texts: Iterable[str], spent: int = 0) -> Teacher:
    """See `LocalTeacher`; `spent` is for teachers with a budget."""
    from cotdistil.engines.vllm_engine import load

    return LocalTeacher(job, texts, load)
