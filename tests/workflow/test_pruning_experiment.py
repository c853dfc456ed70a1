"""The tables of pruning of a finished experiment, made and published for real."""

import pandas as pd

from checkout import Checkout
from hand_made_pruning import TRACES, write_pruned

PUBLISHED = {
    "tables": ["pruning.csv", "pruning.md", "pruning_reasons.csv"],
    "figures": ["pruning.png", "pruning.svg"],
}


def test_a_run_publishes_the_tables_and_the_figure_of_pruning(finished: Checkout):
    finished.pretend_what_is_published()
    store = finished.folder / "results" / "store"
    [pruned] = (store / "pruned").iterdir()
    write_pruned(pruned, TRACES)
    [tables] = (store / "pruning_tables").iterdir()
    (tables / "record.json").unlink()
    jobs = ["pruning tables: quickstart", "results/quickstart"]
    assert set(jobs) <= set(finished.planned_jobs())

    result = finished.snakemake("--cores", "1")
    assert result.returncode == 0, result.stdout
    experiment = finished.folder / "results" / "quickstart"
    for folder, files in PUBLISHED.items():
        for name in files:
            assert (experiment / folder / name).read_bytes() == (tables / name).read_bytes()
    [row] = pd.read_csv(experiment / "tables" / "pruning.csv").to_dict("records")
    assert (row["recipe"], row["student"], row["cutter"]) == ("pruned", "smollm2-135m", "binary")
    assert (row["traces_in"], row["traces_out"]) == (8, 5)
    assert finished.planned_jobs() == []
