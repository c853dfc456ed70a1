"""The quickstart's student behind vLLM's own server, on the CPU and on loopback."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
import yaml

from hand_made_store import HandMadeStore

CONFIG = Path(__file__).parents[1] / "config" / "config.yaml"
START_SECONDS = 300


class VllmServer:
    """A context manager; `url` is the base URL of an endpoint that serves the model `smollm2`.

    folder: for the model and the server's log; it belongs to the server alone.
    """

    def __init__(self, folder: Path, api_key: str, sequences: int = 16):
        self.folder = folder
        self.api_key = api_key
        self.sequences = sequences

    def __enter__(self) -> VllmServer:
        student = yaml.safe_load(CONFIG.read_text())["models"]["smollm2-135m"]
        fetched = HandMadeStore(self.folder).run("models", {"kind": "package", **student})
        assert fetched.status == 0, fetched.text
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = probe.getsockname()[1]
        # The command `vllm serve` asks for the version of a package named vllm; a CPU lacks it.
        command = [sys.executable, "-m", "vllm.entrypoints.openai.api_server"]
        command += ["--model", str(fetched.folder), "--served-model-name", "smollm2"]
        command += ["--host", "127.0.0.1", "--port", str(port), "--dtype", "float32"]
        command += ["--max-model-len", "1024", "--max-num-seqs", str(self.sequences)]
        command += ["--enforce-eager", "--kv-cache-memory-bytes", str(320 * 2**20)]
        command += ["--api-key", self.api_key]
        settings = {"VLLM_NO_USAGE_STATS": "1", "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "2"}
        log_file = self.folder / "server.log"
        with log_file.open("w") as log:
            self._process = subprocess.Popen(
                command,
                env={**os.environ, **settings},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.url = f"http://127.0.0.1:{port}/v1"
        try:
            self._wait_until_healthy(port, log_file)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._process.send_signal(signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(20)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)

    def _wait_until_healthy(self, port: int, log: Path) -> None:
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end and self._process.poll() is None:
            with contextlib.suppress(OSError):
                direct.open(f"http://127.0.0.1:{port}/health", timeout=5)
                return
            time.sleep(0.2)
        pytest.fail(f"vLLM's server did not start:\n{log.read_text()[-3000:]}")
