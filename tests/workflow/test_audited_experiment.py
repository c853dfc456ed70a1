"""An audit of a finished experiment: run for real, with math-verify and an endpoint on loopback."""

import pandas as pd
import pytest

from chat_server import ChatServer
from checkout import Checkout
from cotdistil.errors import UserError
from cotdistil.grading.second_opinions.math_verify_client import PYTHON_VARIABLE, math_verify_python

TABLES = "results/quickstart/tables"
# gold, extracted, right by the rule: math-verify and the judge each contradict it once
ROWS = [
    ("12", "12", True),
    (r"\frac{1}{2}", "0.5", False),
    ("7", "seven", False),
    ("3", "4", False),
]


@pytest.fixture
def scored(tmp_path):
    """The quickstart with two arms, finished as far as the plan can tell, its scores by hand."""
    checkout = Checkout(tmp_path / "project")
    config = checkout.config()
    config["recipes"] = {"short": config["recipes"]["short"]}
    config["gaps"] = {}
    checkout.write_config(config)
    checkout.pretend_all_is_done()
    checkout.pretend_what_is_published()
    store = checkout.folder / "results" / "store"
    ids = [f"p{number}" for number in range(len(ROWS))]
    golds, extracted, correct = zip(*ROWS, strict=True)
    for folder in (store / "problems").iterdir():
        problems = pd.DataFrame({"problem_id": ids, "question": "What is it?", "gold": golds})
        problems.to_parquet(folder / "problems.parquet")
    scores = pd.DataFrame(
        {
            "problem_id": ids,
            "sample_index": pd.Series([0] * len(ROWS), dtype="int32"),
            "gold": golds,
            "extracted": extracted,
            "correct": correct,
            "tier": "symbolic",
            "truncated": False,
        }
    )
    for folder in (store / "scores").iterdir():
        scores.to_parquet(folder / "scores.parquet")
    return checkout


def run(checkout: Checkout) -> None:
    result = checkout.snakemake("--cores", "2")
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize(
    ("audit", "variable", "message"),
    [
        ({"math_verify": True}, PYTHON_VARIABLE, "run 'make math-verify'"),
        ({"judge": {"model": "m"}}, "OPENAI_BASE_URL", "variable OPENAI_BASE_URL is not set"),
    ],
)
def test_who_cannot_be_asked_is_named_before_any_job_and_the_tables_stay(
    scored, monkeypatch, audit, variable, message
):
    monkeypatch.delenv(variable, raising=False)
    scored.write_config({**scored.config(), "audit": audit})
    result = scored.snakemake("--cores", "1")
    assert result.returncode != 0
    assert message in result.stdout
    assert "Traceback" not in result.stdout
    assert (scored.folder / TABLES / "summary.csv").exists()
    assert scored.planned_jobs() != []


def test_an_audit_stands_beside_the_tables_and_goes_with_its_section(scored, monkeypatch):
    try:
        monkeypatch.setenv(PYTHON_VARIABLE, str(math_verify_python()))
    except UserError as error:
        pytest.skip(f"math-verify is not set up: {error}")
    config = scored.config()
    audit = {"math_verify": True, "judge": {"model": "judge", "base_url_env": "JUDGE_URL"}}
    scored.write_config({**config, "audit": audit})
    with ChatServer(lambda prompt: "True" if "seven" in prompt else "False") as server:
        monkeypatch.setenv("JUDGE_URL", server.url)
        run(scored)
    assert len(server.received) == 6
    rows = pd.read_csv(scored.folder / TABLES / "audit.csv")
    assert list(rows["recipe"]) == ["base", "short"]
    assert list(rows["only_math_verify"]) == list(rows["only_judge"]) == [1, 1]
    assert list(rows["accuracy_rule"]) == [0.25, 0.25]
    assert list(rows["accuracy_rule_or_judge"]) == [0.5, 0.5]
    differing = pd.read_csv(scored.folder / TABLES / "disagreements.csv")
    assert list(differing["extracted"]) == ["0.5", "seven"] * 2
    summary = scored.folder / TABLES / "summary.csv"
    assert summary.read_text() == "summary.csv, made earlier"
    assert scored.planned_jobs() == []

    scored.write_config(config)
    run(scored)
    assert sorted(file.name for file in summary.parent.iterdir()) == [
        *("contamination.csv", "corpora.csv", "gaps.csv", "ledger.csv"),
        *("summary.csv", "summary.md"),
    ]
    assert scored.planned_jobs() == []

    # The audit is in the store still: the section again, and it is only shown again.
    scored.write_config({**config, "audit": audit})
    assert scored.planned_jobs() == [
        "publishing the tables of quickstart",
        "results/quickstart",
    ]
