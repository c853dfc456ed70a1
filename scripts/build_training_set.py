"""Make a training set of traces: take a corpus's correct ones, or mix other training sets.

    python scripts/build_training_set.py --manifest results/store/manifests/KEY.json \
        --out results/store/training_sets/KEY/record.json

Every choice is made by ranking problems with a hash of the seed and the problem's id. So a smaller
`size` is a subset of a larger one, and a small change of a weight moves few problems.
"""

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

from cotdistil.errors import UserError
from cotdistil.job import run_job

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ["problem_id", "question", "gold", "response", "source"]


def main() -> None:
    with run_job(__doc__) as job:
        import pandas as pd

        params, folders = job.params, job.parent_list("parts")
        if params["kind"] == "take":
            traces = pd.read_parquet(folders[0] / "traces.parquet")
            rows, dropped = take_correct(traces, folders[0].name)
            rows_in = len(traces)
        else:
            parts = [pd.read_parquet(folder / "train.parquet") for folder in folders]
            rows, dropped = mix(parts, params["weights"], params["seed"])
            rows_in = sum(len(part) for part in parts)
        if params["size"] is not None:
            rows, too_many = keep_size(rows, params["size"], params["seed"])
            dropped["over size"] = too_many
        if rows_in != len(rows) + sum(dropped.values()):
            raise AssertionError(f"{rows_in} rows in, {len(rows)} out, dropped {dropped}")
        if rows.empty:
            raise UserError(
                f"no trace is left of {rows_in} (dropped: {dropped}); a training set needs at least"
                " one; look at the corpora that it is made of"
            )
        rows[COLUMNS].to_parquet(job.staging / "train.parquet", index=False)
        job.publish(
            {
                "rows_in": rows_in,
                "rows_out": len(rows),
                "dropped": dropped,
                "rows_by_source": rows["source"].value_counts().to_dict(),
            }
        )


def take_correct(traces: "pd.DataFrame", source: str) -> tuple["pd.DataFrame", dict[str, int]]:
    """The first correct trace of each problem, and how many rows were dropped for which reason."""
    correct = traces[traces["correct"].fillna(False).astype(bool)]
    rows = correct.sort_values("sample_index", kind="stable").drop_duplicates("problem_id")
    # Back to the order of the corpus.
    rows = rows.sort_index()
    dropped = {
        "not correct": len(traces) - len(correct),
        "problem has a trace already": len(correct) - len(rows),
    }
    return rows.assign(source=source).reset_index(drop=True), dropped


def mix(
    parts: Sequence["pd.DataFrame"], weights: Sequence[float], seed: int
) -> tuple["pd.DataFrame", dict[str, int]]:
    """One trace per problem that every part has; whole shares that follow the weights.

    parts: training sets, each with at most one row per problem. weights: summing to 1.
    Total size is unchanged by the weights, as in the mix of arXiv 2502.12143, section 4.
    """
    import pandas as pd

    tables = [part.set_index("problem_id") for part in parts]
    shared = set.intersection(*(set(table.index) for table in tables))
    ranked = ranked_problems(shared, seed)
    if not ranked:
        raise UserError(
            f"the {len(parts)} parts of the mix have no problem in common; expected parts made from"
            " the same problems; check what each part dropped"
        )
    assigned: dict[str, int] = {}
    start = 0
    for part, count in enumerate(share_out(len(ranked), weights)):
        assigned.update(dict.fromkeys(ranked[start : start + count], part))
        start += count
    order = [problem for problem in tables[0].index if problem in assigned]
    rows = pd.DataFrame(
        [{"problem_id": problem, **tables[assigned[problem]].loc[problem]} for problem in order]
    )
    rows_in = sum(len(part) for part in parts)
    lonely = sum(len(table) - len(shared) for table in tables)
    dropped = {
        "problem not in every part": lonely,
        "another part answers the problem": rows_in - lonely - len(rows),
    }
    return rows, dropped


def share_out(count: int, weights: Sequence[float]) -> list[int]:
    """Whole shares that follow the weights, by largest remainder; they sum to `count`."""
    total = sum(weights)
    exact = [count * weight / total for weight in weights]
    shares = [int(share) for share in exact]
    by_remainder = sorted(range(len(exact)), key=lambda part: shares[part] - exact[part])
    for part in by_remainder[: count - sum(shares)]:
        shares[part] += 1
    return shares


def keep_size(rows: "pd.DataFrame", size: int, seed: int) -> tuple["pd.DataFrame", int]:
    """`size` rows, a subset of what any larger size keeps, and how many were left out."""
    if len(rows) < size:
        raise UserError(
            f"only {len(rows)} traces are left; 'size' asks for {size}; lower 'size', or add"
            " problems or traces"
        )
    kept = set(ranked_problems(rows["problem_id"], seed)[:size])
    chosen = rows[rows["problem_id"].isin(kept)].reset_index(drop=True)
    return chosen, len(rows) - len(chosen)


def ranked_problems(problem_ids, seed: int) -> list[str]:
    """Problem ids in an order that only the seed and the ids decide."""
    return sorted(problem_ids, key=lambda id_: hashlib.sha256(f"{seed}:{id_}".encode()).digest())


if __name__ == "__main__":
    main()
