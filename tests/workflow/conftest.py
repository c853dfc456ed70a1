import shutil

import pytest

from checkout import Checkout


@pytest.fixture(scope="session")
def finished_once(tmp_path_factory):
    checkout = Checkout(tmp_path_factory.mktemp("finished") / "project")
    checkout.pretend_all_is_done()
    return checkout


@pytest.fixture
def finished(finished_once, tmp_path):
    """A checkout in which the quickstart is finished, as far as a plan can tell."""
    shutil.copytree(finished_once.folder, tmp_path / "project", symlinks=True)
    return Checkout.at(tmp_path / "project")
