"""Real traces of long and short teachers, from local files through screening to training sets."""

from __future__ import annotations

import csv
from pathlib import Path

import pandas as pd
import pytest

from checkout import Checkout
from cotdistil.config.file import check_config
from cotdistil.plan import Plan, make_plan
from cotdistil.store import record_path
from cotdistil.surroundings import LocalFiles, surroundings
from real_data import real_data

LONG = {"qwq": "QwQ-32B", "r1": "DeepSeek-R1", "s1": "s1.1-32B"}
LONG |= {"distill": "DeepSeek-R1-Distill-Qwen-32B"}
TEACHERS = LONG | {"qwen": "Qwen2.5-32B-Instruct"}


def make_config(student: Path) -> dict:
    traces = str(real_data("traces/mip_gsm8k_responses.jsonl"))
    return {
        "experiment": "real",
        "models": {"tiny": {"folder": str(student)}},
        "students": ["tiny"],
        "problems": {
            "mip": {"kind": "file", "train": traces},
            "gsm8k": {"kind": "file", "test": str(real_data("problems/gsm8k_test.jsonl"))},
        },
        "teachers": {
            name: {
                "kind": "file",
                "path": traces,
                "where": {"teacher": teacher},
                "fallback": ["final_answer", "last_number"],
            }
            for name, teacher in TEACHERS.items()
        },
        "corpora": {name: {"teacher": name, "problems": "mip"} for name in TEACHERS},
        "recipes": {
            **{name: {"take": name} for name in LONG},
            "long": {"take": "qwq", "shared_with": ["qwen"]},
            "short": {"take": "qwen", "shared_with": ["qwq"]},
            "brief": {"take": "qwq", "max_tokens": 2000},
            "mix": {"mix": {"long": 1, "short": 4}},
        },
        "training": {"sft": {"max_length": 4096}},
        "benchmarks": {"gsm8k": {"problems": "gsm8k", "max_tokens": 8, "without": ["mip"]}},
    }


def run_ledger(checkout: Checkout, config: dict) -> tuple[Plan, Path, str]:
    """Make all that the ledger needs; returns the plan, its folder and what was printed."""
    checkout.write_config(config)
    plan = make_plan(check_config(config, ["c.yaml"]), surroundings(LocalFiles("c.yaml")))
    target = record_path(plan.ledger)
    run = checkout.snakemake(target, "--cores", "2")
    return plan, (checkout.folder / target).parent, run.stdout


@pytest.fixture(scope="module")
def made(tmp_path_factory, tiny_student):
    checkout = Checkout(tmp_path_factory.mktemp("real"))
    plan, ledger, text = run_ledger(checkout, make_config(tiny_student))
    assert ledger.exists(), text
    return checkout, plan, ledger


def read(made, stage: str, name: str, file: str) -> pd.DataFrame:
    checkout, plan, _ = made
    [address] = [a for a, node in plan.nodes.items() if (node.stage, node.name) == (stage, name)]
    return pd.read_parquet(checkout.folder / "results" / "store" / address / file)


@pytest.mark.parametrize("name", LONG)
def test_thinking_and_answer_of_every_long_teacher_are_told_apart(made, name):
    traces = read(made, "corpora", name, "traces.parquet")
    assert len(traces) == 582
    thinking = traces["response"].str.match(r"<think>\n(?s:.+)\n</think>\n\n\S")
    assert thinking.mean() > 0.99
    assert traces["correct"].mean() > 0.85
    assert traces["original"].notna().mean() > 0.9


def test_both_training_sets_of_a_pair_have_the_problems_that_both_teachers_solve(made):
    long, short, mix = (
        read(made, "training_sets", name, "train.parquet") for name in ("long", "short", "mix")
    )
    assert set(long["problem_id"]) == set(short["problem_id"]) == set(mix["problem_id"])
    assert 450 < len(long) <= 582
    counts = mix["source"].value_counts()
    assert counts[long["source"].iloc[0]] == round(len(mix) / 5)


def test_a_limit_in_tokens_leaves_no_longer_trace(made):
    brief = read(made, "training_sets", "tiny · brief", "train.parquet")
    tokens = read(made, "token_counts", "qwq in tokens of tiny", "tokens.parquet")
    lengths = tokens.set_index("problem_id")["response_tokens"]
    assert 0 < len(brief) < 582
    assert lengths[brief["problem_id"]].max() <= 2000


def test_the_benchmark_is_left_with_the_737_others(made):
    held_out = read(made, "held_out", "gsm8k · test, held out", "problems.parquet")
    assert len(held_out) == 737
    removed = read(made, "held_out", "gsm8k · test, held out", "removed.parquet")
    assert len(removed) == 582


def test_the_ledger_loses_no_row(made):
    _, _, ledger = made
    rows = list(csv.DictReader((ledger / "ledger.csv").open()))
    by_artefact: dict = {}
    for row in rows:
        counts = by_artefact.setdefault((row["stage"], row["name"], row["student"]), {})
        counts[row["reason"]] = int(row["rows"])
    assert {name for stage, name, _ in by_artefact if stage == "corpus"} == set(TEACHERS)
    for counts in by_artefact.values():
        rows_in, rows_out = counts.pop("rows in"), counts.pop("rows out")
        assert rows_in == rows_out + sum(counts.values())
    assert by_artefact["corpus", "qwq", ""]["another value of teacher"] == 6984 - 582


def test_without_it_every_training_problem_is_found_in_the_benchmark(tmp_path, tiny_student):
    config = make_config(tiny_student)
    del config["benchmarks"]["gsm8k"]["without"]
    config["recipes"] = {"r1": {"take": "r1"}}
    _, ledger, text = run_ledger(Checkout(tmp_path / "checkout"), config)
    assert not ledger.exists()
    assert "no trace is left of 6984" in text or "no trace is left of 582" in text
    assert "'exact match with a benchmark': 582" in text
    assert "'benchmarks.NAME.without: [problem set]'" in text
