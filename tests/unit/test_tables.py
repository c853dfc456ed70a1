"""The result tables: what each row says, and what is refused rather than averaged."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cotdistil.errors import UserError
from cotdistil.scored_arms import ScoredArm, score_arm
from cotdistil.statistics import mean_interval, paired_difference
from cotdistil.table_files import markdown_table
from cotdistil.tables import gap_table, summary_table
from cotdistil.terminal_table import format_terminal
from summarize_scores import markdown, write_csv


def scores(per_problem: list[list[int]], tokens: int = 100) -> pd.DataFrame:
    """A row per sample; `per_problem` says for each problem which of its samples are correct."""
    return pd.DataFrame(
        [
            {
                "problem_id": f"p{problem}",
                "sample_index": sample,
                "correct": bool(correct),
                "truncated": not correct and sample == 0,
                "unparsed": False,
                "token_count": tokens + sample,
                "tier": "exact",
            }
            for problem, samples in enumerate(per_problem)
            for sample, correct in enumerate(samples)
        ]
    )


def arm(
    recipe: str,
    per_problem: list[list[int]],
    student: str = "small",
    seed: int = 0,
    benchmark: str = "sums",
    **changes,
) -> ScoredArm:
    base = recipe == "base"
    description = {
        "student": student,
        "recipe": recipe,
        "stage": "base" if base else "sft",
        "seed": None if base else seed,
        "benchmark": benchmark,
        "k": len(per_problem[0]),
    }
    return score_arm(description | changes, scores(per_problem))


BASE = [[0, 0], [1, 0], [0, 0], [1, 1]]
LONG = [[1, 1], [1, 0], [0, 1], [1, 1]]
SHORT = [[1, 0], [0, 0], [0, 0], [1, 1]]


# --- the summary ----------------------------------------------------------------------------


def test_the_summary_has_exactly_these_columns_and_numbers():
    table = summary_table([arm("long", LONG), arm("base", BASE)])
    assert list(table.columns) == [
        "student", "recipe", "stage", "seed", "benchmark", "n", "k", "accuracy", "ci_low",
        "ci_high", "delta_vs_base", "delta_ci_low", "delta_ci_high", "mean_tokens", "truncated",
        "unparsed",
    ]  # fmt: skip
    base, long = table.to_dict("records")
    assert (base["recipe"], base["stage"], base["n"], base["k"]) == ("base", "base", 4, 2)
    assert pd.isna(base["seed"])
    assert np.isnan([base["delta_vs_base"], base["delta_ci_low"], base["delta_ci_high"]]).all()
    assert (long["recipe"], long["stage"], long["seed"]) == ("long", "sft", 0)
    assert (base["accuracy"], long["accuracy"]) == (3 / 8, 6 / 8)
    interval = mean_interval([1, 0.5, 0.5, 1], 2)
    assert (long["ci_low"], long["ci_high"]) == interval[1:]
    difference = paired_difference([1, 0.5, 0.5, 1], [0, 0.5, 0, 1])
    assert (long["delta_vs_base"], long["delta_ci_low"], long["delta_ci_high"]) == difference
    assert (base["mean_tokens"], base["truncated"], base["unparsed"]) == (100.5, 2 / 8, 0.0)


def test_rows_keep_the_order_given_with_base_first():
    arms = [
        arm(recipe, BASE, student=student, seed=seed, benchmark=benchmark)
        for student in ("zeta", "alpha")
        for recipe, seed in (("short", 1), ("short", 0), ("base", 0), ("long", 1), ("long", 0))
        for benchmark in ("sums", "gsm8k")
    ]
    table = summary_table(arms)
    seeds = [None if pd.isna(seed) else seed for seed in table["seed"]]
    assert list(zip(table["student"], table["recipe"], seeds, table["benchmark"], strict=True)) == [
        (student, recipe, seed, benchmark)
        for student in ("zeta", "alpha")
        for recipe, seed in (("base", None), ("short", 1), ("short", 0), ("long", 1), ("long", 0))
        for benchmark in ("sums", "gsm8k")
    ]


def test_the_order_of_the_samples_does_not_matter():
    description = {"student": "s", "recipe": "r", "stage": "sft", "seed": 0, "benchmark": "b"}
    rows = scores(LONG)
    first = score_arm(description | {"k": 2}, rows)
    for seed in range(5):
        again = score_arm(description | {"k": 2}, rows.sample(frac=1, random_state=seed))
        assert again.problem_ids == first.problem_ids
        assert (again.accuracy == first.accuracy).all()


def lose_a_sample(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.iloc[1:]


def repeat_a_sample(rows: pd.DataFrame) -> pd.DataFrame:
    return pd.concat([rows, rows.iloc[:1]])


def add_a_sample(rows: pd.DataFrame) -> pd.DataFrame:
    return pd.concat([rows, rows.iloc[:1].assign(sample_index=2)])


def lose_a_verdict(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.astype({"correct": object}).assign(correct=[None, *rows["correct"][1:]])


def lose_a_column(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.drop(columns="truncated")


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lose_a_sample, "found 1 samples of problem 'p0' (1 of 4 problems differ from k)"),
        (add_a_sample, "found 3 samples of problem 'p0'"),
        (repeat_a_sample, "found sample 0 of problem 'p0' more than once"),
        (lose_a_verdict, "found empty values in 'correct'"),
        (lose_a_column, "found no column 'truncated'"),
        (lambda rows: rows.iloc[:0], "found no samples; expected 2 per problem"),
    ],
)
def test_scores_that_are_not_k_per_problem_are_refused_by_the_arms_name(damage, said):
    description = {"student": "small", "recipe": "long", "stage": "sft", "seed": 3}
    with pytest.raises(UserError) as error:
        score_arm(description | {"benchmark": "sums", "k": 2}, damage(scores(LONG)))
    assert "small / long / sft / seed 3 on sums" in str(error.value)
    assert said in str(error.value)
    assert "again" in str(error.value)


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (arm("long", LONG[:3]), "found 3 problems, 1 missing ('p3') and 0 unknown (none)"),
        (arm("long", [row[:1] for row in LONG]), "found k = 1; expected k = 2"),
        (arm("base", BASE), "small / base on sums: found twice; expected each arm once"),
        (
            arm("long", LONG, student="other"),
            "found no scores of the untouched other on sums; expected stage 'base'",
        ),
    ],
)
def test_arms_that_cannot_be_compared_are_refused_by_name(other, said):
    with pytest.raises(UserError) as error:
        summary_table([arm("base", BASE), other])
    assert said in str(error.value)
    assert other.name in str(error.value)


# --- the gaps -------------------------------------------------------------------------------


def two_benchmarks() -> list[ScoredArm]:
    return [
        arm("base", BASE),
        arm("base", [[0]] * 6, benchmark="gsm8k"),
        arm("short", SHORT),
        arm("short", [[1], [0], [0], [1], [0], [0]], benchmark="gsm8k"),
        arm("long", LONG),
        arm("long", [[1], [0], [1], [1], [1], [0]], benchmark="gsm8k"),
    ]


def test_a_gap_has_a_row_per_benchmark_and_their_unweighted_mean():
    table = gap_table(two_benchmarks(), {"delta_long": ["long", "short"]})
    assert list(table.columns) == [
        "gap", "student", "stage", "seed", "benchmark", "n", "k", "recipe", "reference",
        "accuracy", "reference_accuracy", "delta", "delta_ci_low", "delta_ci_high",
    ]  # fmt: skip
    assert list(table["benchmark"]) == ["sums", "gsm8k", "mean"]
    assert list(table["n"]) == [4, 6, 10]
    assert list(table["k"].isna()) == [False, False, True]
    sums, gsm8k, mean = table.to_dict("records")
    assert (sums["accuracy"], sums["reference_accuracy"]) == (6 / 8, 3 / 8)
    expected = paired_difference([1, 0.5, 0.5, 1], [0.5, 0, 0, 1])
    assert (sums["delta"], sums["delta_ci_low"], sums["delta_ci_high"]) == expected
    assert mean["delta"] == pytest.approx((sums["delta"] + gsm8k["delta"]) / 2)
    assert mean["accuracy"] == pytest.approx((6 / 8 + 4 / 6) / 2)
    assert mean["delta_ci_low"] < mean["delta"] < mean["delta_ci_high"]
    assert mean["delta_ci_high"] - mean["delta_ci_low"] < (
        sums["delta_ci_high"] - sums["delta_ci_low"]
    )


def test_a_gap_turned_round_changes_its_sign_alone():
    gaps = {"there": ["long", "short"], "back": ["short", "long"]}
    table = gap_table(two_benchmarks(), gaps)
    there, back = table.iloc[:3], table.iloc[3:]
    assert list(back["gap"]) == ["back"] * 3
    assert back["delta"].to_numpy() == pytest.approx(-there["delta"].to_numpy())
    assert back["delta_ci_low"].to_numpy() == pytest.approx(-there["delta_ci_high"].to_numpy())


def test_gaps_pair_the_same_student_and_seed_and_skip_an_arm_without_counterpart():
    arms = [arm("base", BASE), arm("base", BASE, student="large")]
    arms += [arm("long", LONG, seed=seed) for seed in (0, 1, 2)]
    arms += [arm("short", SHORT, seed=seed) for seed in (0, 1)]
    arms += [arm("long", SHORT, student="large"), arm("short", LONG, student="large")]
    table = gap_table(arms, {"delta_long": ["long", "short"]})
    pairs = list(zip(table["student"], table["seed"], table["delta"], strict=True))
    # One benchmark, so no mean row.
    assert pairs == [("small", 0, 3 / 8), ("small", 1, 3 / 8), ("large", 0, -3 / 8)]


@pytest.mark.parametrize(
    ("gap", "left_out", "said"),
    [
        (["long", "shrot"], None, "with both 'long', 'shrot'; expected two of the recipes 'short'"),
        (["long", "short"], 5, "found no scores of small / long on gsm8k"),
    ],
)
def test_a_gap_that_cannot_be_computed_is_refused_by_name(gap, left_out, said):
    arms = [each for place, each in enumerate(two_benchmarks()) if place != left_out]
    with pytest.raises(UserError) as error:
        gap_table(arms, {"delta_long": gap})
    assert "gaps.delta_long: " in str(error.value)
    assert said in str(error.value)


def test_without_gaps_the_table_is_empty_and_keeps_its_columns(tmp_path):
    write_csv(gap_table(two_benchmarks(), {}), tmp_path / "gaps.csv")
    [head] = (tmp_path / "gaps.csv").read_text().splitlines()
    assert head.startswith("gap,student,stage,seed,benchmark,n,k,recipe,reference,")


# --- as text --------------------------------------------------------------------------------


def test_the_csv_is_the_same_text_every_time(tmp_path):
    arms = [arm("base", BASE), arm("long", LONG), arm("short", BASE)]
    write_csv(summary_table(arms), tmp_path / "summary.csv")
    delta = "0.375000,-0.197299,0.697299"
    assert (tmp_path / "summary.csv").read_bytes().decode() == (
        "student,recipe,stage,seed,benchmark,n,k,accuracy,ci_low,ci_high,delta_vs_base,"
        "delta_ci_low,delta_ci_high,mean_tokens,truncated,unparsed\n"
        "small,base,base,,sums,4,2,0.375000,0.106275,0.751702,,,,100.500000,0.250000,0.000000\n"
        f"small,long,sft,0,sums,4,2,0.750000,0.402218,0.930439,{delta},100.500000,0.125000,"
        "0.000000\n"
        "small,short,sft,0,sums,4,2,0.375000,0.106275,0.751702,0.000000,-0.326661,0.326661,"
        "100.500000,0.250000,0.000000\n"
    )


def test_a_rounded_difference_of_almost_nothing_has_no_sign(tmp_path):
    write_csv(pd.DataFrame({"delta": [-1e-9, 1e-9, -0.5]}), tmp_path / "table.csv")
    written = (tmp_path / "table.csv").read_text().split()
    assert written == ["delta", "0.000000", "0.000000", "-0.500000"]


def test_the_markdown_reads_in_per_cent_with_intervals_and_without_a_negative_zero():
    arms = [*two_benchmarks(), arm("a|b", BASE), arm("a|b", [[0]] * 6, benchmark="gsm8k")]
    summary, gaps = summary_table(arms), gap_table(arms, {"delta_long": ["long", "short"]})
    text = markdown(summary, gaps)
    lines = [line for line in text.splitlines() if line.startswith("|")]
    assert lines[0].startswith("| student | recipe | stage | seed | benchmark | n | k | accuracy")
    cells = {tuple(line[2:-2].split(" | ")[1:5]): line[2:-2].split(" | ") for line in lines}
    base, long = cells["base", "base", "", "sums"], cells["long", "sft", "0", "sums"]
    assert base[7].startswith("37.5 [")
    assert base[8:] == ["", "100", "25.0", "0.0"]
    assert long[8].startswith("+37.5 [−")
    assert cells["a\\|b", "sft", "0", "sums"][8].startswith("+0.0 [−")
    [mean] = [line for line in lines if "| mean |" in line]
    assert "long 70.8 | short 35.4 | +35.4 [" in mean
    assert "-0.0" not in text
    assert "−0.0" not in text
    # Without gaps there is no second table.
    assert "reference" not in markdown(summary, gap_table(arms, {}))


def test_the_terminal_shows_a_block_per_student_and_benchmark(tmp_path):
    write_csv(summary_table(two_benchmarks()), tmp_path / "summary.csv")
    text = format_terminal(tmp_path / "summary.csv")
    assert "small on sums (4 questions, avg@2)" in text
    assert "small on gsm8k (6 questions, avg@1)" in text
    rows = [line.split() for line in text.splitlines() if line.startswith("  long ")]
    assert rows[0][:2] == ["long", "75.0"]
    assert "+37.5" in rows[0]
    assert "seed" not in text  # there is one


NAME = st.builds(
    lambda letter, length: letter * length, st.sampled_from("ab-c"), st.integers(1, 70)
)


@given(NAME, st.lists(NAME, min_size=1, max_size=3, unique=True), st.integers(1, 3))
@settings(max_examples=15, deadline=None)
def test_the_terminal_table_is_at_most_100_wide_and_cuts_names_but_no_number(
    tmp_path_factory, student, recipes, seeds
):
    recipes = [recipe for recipe in recipes if recipe != "base"] or ["long"]
    arms = [arm("base", BASE, student=student)]
    arms += [arm(r, LONG, student=student, seed=s) for r in recipes for s in range(seeds)]
    path = tmp_path_factory.mktemp("tables") / "summary.csv"
    write_csv(summary_table(arms), path)
    lines = format_terminal(path).splitlines()
    assert max(map(len, lines)) <= 100
    rows = [line for line in lines if "75.0 [" in line]
    assert len(rows) == len(recipes) * seeds
    assert all("+37.5 [" in row and row.split()[-2:] == ["12.5", "0.0"] for row in rows)
    assert len({row.index("75.0 [") for row in rows}) == 1


def test_no_text_of_a_cell_ends_its_cell_or_its_row():
    text = markdown_table(
        ["a|b", "n\n"], [["x|y", "1\r2"], ["back\\|slash", "3\n\n4\u2028"]], {"a|b"}
    )
    assert text.splitlines() == [
        "| a\\|b | n |",
        "| --- | ---: |",
        "| x\\|y | 1 2 |",
        "| back\\\\\\|slash | 3  4 |",
    ]
