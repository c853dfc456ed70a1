from collections.abc import Iterator

import pytest

from tiny_model import make_tiny_model
from vllm_server import VllmServer


@pytest.fixture(scope="session")
def tiny_student(tmp_path_factory):
    """A folder with a random model of a few thousand weights and a chat template."""
    return make_tiny_model(tmp_path_factory.mktemp("tiny") / "model", positions=4096)


@pytest.fixture(scope="session")
def served_student(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VllmServer]:
    """The quickstart's student behind vLLM's own server, as the model `smollm2`."""
    with VllmServer(tmp_path_factory.mktemp("served"), api_key="the-key") as server:
        yield server
