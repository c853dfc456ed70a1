"""An experiment whose teacher is a model that runs here, and what a benchmark more costs it."""

import csv
import json
from pathlib import Path

import pytest

from checkout import Checkout
from tiny_experiment import make_tiny_quickstart


@pytest.fixture(scope="module")
def taught(tmp_path_factory, tiny_student) -> Checkout:
    """The tiny student learns from two shards of its own answers, right or wrong."""
    folder = tmp_path_factory.mktemp("generating") / "project"
    checkout = make_tiny_quickstart(folder, tiny_student, recipes=("short",))
    config = checkout.config()
    teacher = {"kind": "model", "model": "tiny", "max_tokens": 8, "temperature": 1.0}
    teacher |= {"samples": 2, "shards": 2}
    config["teachers"] = {"model": teacher}
    config["corpora"] = {"answers": {"teacher": "model", "problems": "sums"}}
    config["recipes"] = {"all": {"take": "answers", "correct_only": False, "choose": "all"}}
    checkout.write_config(config)
    return checkout


def run(checkout: Checkout) -> str:
    result = checkout.snakemake("--cores", "2")
    assert result.returncode == 0, result.stdout
    return result.stdout


def records(checkout: Checkout, stage: str) -> list[dict]:
    store = checkout.folder / "results" / "store"
    return [json.loads(path.read_text()) for path in sorted(store.glob(f"{stage}/*/record.json"))]


def counts(folder: Path) -> dict:
    with (folder / "tables" / "ledger.csv").open() as file:
        return {(row["stage"], row["reason"]): int(row["rows"]) for row in csv.DictReader(file)}


def test_answers_of_a_model_go_all_the_way_and_every_later_edit_costs_what_it_must(taught):
    run(taught)
    results = taught.folder / "results" / "tiny"
    assert len((results / "tables" / "summary.csv").read_text().splitlines()) == 3
    assert counts(results)["corpus", "rows out"] == 8 * 2
    shards = records(taught, "responses")
    assert [shard["requests"] for shard in shards] == [shard["rows_out"] for shard in shards]
    assert sum(shard["rows_out"] for shard in shards) == 8 * 2

    # Another number of shards and one sample more ask only for the new ones.
    config = taught.config()
    config["teachers"]["model"] |= {"samples": 3, "shards": 1}
    taught.write_config(config)
    run(taught)
    [whole] = [each for each in records(taught, "responses") if each["rows_out"] == 8 * 3]
    assert (whole["requests"], whole["reused"]) == (8, 8 * 2)
    trained = [each["key"] for each in records(taught, "sft")]

    # A benchmark whose problems are no training problems: screened for, and nothing trained anew.
    config["problems"]["more"] = {"kind": "arithmetic", "test": 3, "operations": [12, 15]}
    config["benchmarks"]["more"] = {**config["benchmarks"]["sums"], "problems": "more"}
    taught.write_config(config)
    text = run(taught)
    [screening] = records(taught, "screening")
    assert screening["dropped"] == {}
    [linked] = [each for each in records(taught, "sft") if each["key"] not in trained]
    assert linked["same_as"].removeprefix("sft/") in trained
    assert "made from inputs with the same content" in text
    assert len((results / "tables" / "summary.csv").read_text().splitlines()) == 5
