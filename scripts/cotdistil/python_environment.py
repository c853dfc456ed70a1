"""Which Python the workflow's commands run with."""

import os
import sys


def put_this_python_first() -> None:
    """Make `python` in a rule's shell the one that runs Snakemake, activated or not."""
    folder = os.path.dirname(sys.executable)
    paths = os.environ["PATH"].split(os.pathsep)
    if paths[0] != folder:
        os.environ["PATH"] = os.pathsep.join([folder, *paths])


def chosen_pins() -> str:
    """Which pins `--sdm conda` installs: `cpu`, or what COTDISTIL_PINS names."""
    return os.environ.get("COTDISTIL_PINS", "cpu")
