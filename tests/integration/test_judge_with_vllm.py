"""The judge asks a real model behind vLLM's own server, on loopback."""

from __future__ import annotations

from pathlib import Path

import pytest

from cotdistil.engines.openai_compatible import OpenAICompatibleClient
from cotdistil.errors import UserError
from cotdistil.grading.second_opinions.judge import Mismatch, judge_mismatches, read_judgements
from vllm_server import VllmServer


@pytest.mark.slow
def test_every_mismatch_is_judged_by_a_model_that_vllm_serves(
    served_student: VllmServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("OPENAI_BASE_URL", served_student.url)
    monkeypatch.setenv("OPENAI_API_KEY", served_student.api_key)
    client = OpenAICompatibleClient()
    mismatches = [
        Mismatch(f"m{i}", f"What is {i} + 1?", [str(i + 1), f"{i + 1}.0"], f"{i + i % 2}")
        for i in range(8)
    ]
    mismatches.append(Mismatch("long", "Copy. " * 2000, "1", "2"))
    done = tmp_path / "done.jsonl"
    judge_mismatches(mismatches, client, model="smollm2", done=done)
    judgements = read_judgements(done)
    assert set(judgements) == {mismatch.id for mismatch in mismatches}
    assert "maximum context length is 1024 tokens" in judgements.pop("long").error
    for judgement in judgements.values():
        assert judgement.reply
        assert judgement.error in (None, "unreadable reply")
        assert judgement.prompt_tokens > 100
        assert 1 <= judgement.completion_tokens <= 20
    # So small a model judges badly, but it follows the form.
    assert any(judgement.correct is not None for judgement in judgements.values())

    with pytest.raises(UserError, match=r"`nope` does not exist.*correct the model's name"):
        judge_mismatches(mismatches, client, model="nope", done=tmp_path / "no-model.jsonl")
    monkeypatch.setenv("OPENAI_API_KEY", "another")
    with pytest.raises(UserError, match=r"refuses access.*OPENAI_API_KEY"):
        judge_mismatches(
            mismatches, OpenAICompatibleClient(), model="smollm2", done=tmp_path / "no-key.jsonl"
        )
