"""Tabulate where other opinions on the verdicts differ, and the accuracies that they give.

    python scripts/tabulate_audit.py --manifest results/store/manifests/KEY.json \
        --out results/store/audit_tables/KEY/record.json

Writes audit.csv, a row per arm and benchmark, and disagreements.csv, a row per answer on which
math-verify or the judge contradicts the rule. Cells about an opinion that was not asked are empty.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from cotdistil.job import run_job

if TYPE_CHECKING:
    import pandas as pd

ARM_COLUMNS = ["student", "recipe", "stage", "seed", "benchmark"]
SAMPLE = ["problem_id", "sample_index"]
DISAGREEMENT_COLUMNS = [
    *(*ARM_COLUMNS, *SAMPLE, "gold", "extracted", "rule", "tier"),
    *("math_verify", "judge", "judge_reply"),
]


def main() -> None:
    with run_job(__doc__) as job:
        import pandas as pd

        parents = job.manifest["parents"]
        rows, differing, samples = [], 0, 0
        header = pd.DataFrame(columns=DISAGREEMENT_COLUMNS)
        header.to_csv(job.staging / "disagreements.csv", index=False, lineterminator="\n")
        for position, arm in enumerate(job.params["arms"]):
            folders = {
                role: job.parent_list(role)[position]
                for role in ("scores", "second_opinions", "judgements")
                if role in parents
            }
            verdicts = read_verdicts(folders)
            rows.append(audit_row(arm, verdicts, set(folders)))
            found = disagreements(arm, verdicts)
            found.to_csv(
                job.staging / "disagreements.csv",
                mode="a",
                header=False,
                index=False,
                lineterminator="\n",
            )
            differing += len(found)
            samples += len(verdicts)
            job.progress(position + 1, len(job.params["arms"]), "arms")
        table = pd.DataFrame(rows).astype({"seed": "Int64"})
        table.to_csv(
            job.staging / "audit.csv", index=False, float_format="%.6f", lineterminator="\n"
        )
        job.publish(
            {
                "rows_in": samples,
                "rows_out": samples,
                "dropped": {},
                "audit_rows": len(rows),
                "disagreements": differing,
            }
        )


def read_verdicts(folders: dict[str, Path]) -> pd.DataFrame:
    """A row per sample: the rule's verdict, and math_verify, judge, judge_reply, each null where
    that opinion was not asked or said nothing; `math_verify_asked`, `judge_asked`.

    folders: of scores and of what else was asked.
    """
    import pandas as pd

    columns = [*SAMPLE, "gold", "extracted", "correct", "tier"]
    verdicts = pd.read_parquet(folders["scores"] / "scores.parquet", columns=columns)
    verdicts = verdicts.rename(columns={"correct": "rule"})
    empty = pd.DataFrame({name: [] for name in SAMPLE}).astype(verdicts[SAMPLE].dtypes)
    opinions, judgements = (
        empty.assign(math_verify=None),
        empty.assign(judge=None, judge_reply=None),
    )
    if "second_opinions" in folders:
        path = folders["second_opinions"] / "opinions.parquet"
        opinions = pd.read_parquet(path, columns=[*SAMPLE, "math_verify"])
    if "judgements" in folders:
        path = folders["judgements"] / "judgements.parquet"
        judgements = pd.read_parquet(path, columns=[*SAMPLE, "judge", "judge_reply"])
    for name, found in (("math_verify", opinions), ("judge", judgements)):
        found = found.astype({name: "boolean"}).assign(**{f"{name}_asked": True})
        verdicts = verdicts.merge(found, on=SAMPLE, how="left", validate="one_to_one")
        verdicts[f"{name}_asked"] = verdicts[f"{name}_asked"].notna()
    return verdicts


def audit_row(arm: dict, verdicts: pd.DataFrame, asked: set[str]) -> dict:
    """The row of audit.csv: n questions with k samples each, then accuracies in [0, 1], then counts
    of samples.

    An opinion that said nothing counts as the rule does. `only_rule`: right by the rule and wrong
    by math-verify; `only_math_verify` the reverse; `only_judge`: wrong by the rule, right by the
    judge.
    """
    rule, by_math_verify = verdicts["rule"], verdicts["math_verify"]
    judge = verdicts["judge"].fillna(False).astype(bool)
    row = {name: arm[name] for name in ARM_COLUMNS}
    row |= {"n": verdicts["problem_id"].nunique(), "k": arm["k"]}
    row |= _accuracy("rule", rule, verdicts, arm["k"])
    math_verify_asked, judge_asked = "second_opinions" in asked, "judgements" in asked
    row |= _accuracy(
        "math_verify",
        by_math_verify.fillna(rule.astype("boolean")) if math_verify_asked else None,
        verdicts,
        arm["k"],
    )
    row |= _accuracy("rule_or_judge", rule | judge if judge_asked else None, verdicts, arm["k"])
    counts = {
        "math_verify_asked": verdicts["math_verify_asked"],
        "only_rule": rule & ~by_math_verify.fillna(True).astype(bool),
        "only_math_verify": ~rule & by_math_verify.fillna(False).astype(bool),
        "math_verify_failed": verdicts["math_verify_asked"] & by_math_verify.isna(),
    }
    row |= {name: int(each.sum()) if math_verify_asked else None for name, each in counts.items()}
    silent = verdicts["judge_asked"] & verdicts["judge"].isna()
    counts = {
        "judge_asked": verdicts["judge_asked"],
        "only_judge": judge,
        "judge_unreadable": silent & verdicts["judge_reply"].notna(),
        "judge_failed": silent & verdicts["judge_reply"].isna(),
    }
    row |= {name: int(each.sum()) if judge_asked else None for name, each in counts.items()}
    return row


def disagreements(arm: dict, verdicts: pd.DataFrame) -> pd.DataFrame:
    """The rows of disagreements.csv: where math-verify or the judge contradicts the rule."""
    rule = verdicts["rule"].astype("boolean")
    differs = (verdicts["math_verify"] != rule) | (verdicts["judge"] != rule)
    found = verdicts[differs.fillna(False).astype(bool)]
    seed = "" if arm["seed"] is None else arm["seed"]
    return found.assign(**{**{name: arm[name] for name in ARM_COLUMNS}, "seed": seed})[
        DISAGREEMENT_COLUMNS
    ]


def _accuracy(name: str, correct: pd.Series | None, verdicts: pd.DataFrame, k: int) -> dict:
    """Accuracy with its interval over questions, under `name`; empty cells without verdicts."""
    from cotdistil.statistics import mean_interval

    columns = (f"accuracy_{name}", f"{name}_ci_low", f"{name}_ci_high")
    if correct is None:
        return dict.fromkeys(columns)
    by_question = correct.astype(float).groupby(verdicts["problem_id"]).mean()
    return dict(zip(columns, mean_interval(by_question.to_numpy(), k), strict=True))


if __name__ == "__main__":
    main()
