import pytest

from tiny_model import make_tiny_model


@pytest.fixture(scope="session")
def tiny_student(tmp_path_factory):
    """A folder with a random model of a few thousand weights and a chat template."""
    return make_tiny_model(tmp_path_factory.mktemp("tiny") / "model", positions=4096)
