"""Make a training set of traces: take those of a corpus, or mix other training sets.

    python scripts/build_training_set.py --manifest results/store/manifests/KEY.json \
        --out results/store/training_sets/KEY/record.json

Writes train.parquet: problem_id, question, gold, sample_index, response, source (which corpus, by
the first 12 digits of its content's hash, so that the same traces make the same file; the record's
`sources` has its address), unfinished (the response stops before its end: it was cut here, or is
not complete). Only columns of a few bytes are held in memory.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from cotdistil.curation.mixing import assign_problems
from cotdistil.curation.ranking import ranked
from cotdistil.curation.selection import Filter, select
from cotdistil.curation.training_rows import TrainingRows
from cotdistil.curation.truncation import Truncation
from cotdistil.errors import UserError
from cotdistil.job import Job, run_job
from cotdistil.parquet_table import open_table
from cotdistil.records import read_record

if TYPE_CHECKING:
    import pandas as pd

LIGHT_COLUMNS = ("problem_id", "sample_index", "correct", "complete", "n_chars")


def main() -> None:
    with run_job(__doc__) as job:
        with TrainingRows(job.staging / "train.parquet") as rows:
            make = take if job.params["kind"] == "take" else mix
            rows_in, dropped, facts = make(job, rows)
        rows_out = rows.rows.total()
        dropped = {reason: count for reason, count in dropped.items() if count}
        if rows_in != rows_out + sum(dropped.values()):
            raise AssertionError(f"{rows_in} rows in, {rows_out} out, dropped {dropped}")
        if not rows_out:
            raise UserError(
                f"no trace is left of {rows_in} (dropped: {dropped}); a training set needs at least"
                " one; look at the corpora that it is made of; where a benchmark asks the training"
                " problems, 'benchmarks.NAME.without: [problem set]' takes them out of the"
                " benchmark instead"
            )
        job.publish(
            {
                "rows_in": rows_in,
                "rows_out": rows_out,
                "dropped": dropped,
                "rows_by_source": dict(rows.rows.most_common()),
                **facts,
            }
        )


def take(job: Job, rows: TrainingRows) -> tuple[int, Counter[str], dict]:
    """Write what is selected of a corpus; returns rows in, drop reason -> number, further facts."""
    params, corpus = job.params, job.parent("corpus")
    limit = params["max_tokens"]
    keep = Filter(params["correct_only"], limit, params.get("over_length", "drop"))
    traces = read_light(corpus, job.parent("tokens") if limit else None)
    others = job.parent_list("shared_with") if "shared_with" in job.manifest["parents"] else []
    lengths = job.parent_list("shared_tokens") if limit and others else [None] * len(others)
    chosen, dropped = select(
        traces,
        keep,
        params["choose"],
        params["seed"],
        removed_problems(job),
        [read_light(*each) for each in zip(others, lengths, strict=True)],
    )
    if params["size"] is not None:
        chosen, dropped["over size"] = keep_size(chosen, params["size"], params["seed"])
    record = read_record(corpus)
    source = record.get("content", corpus.name)[:12]
    truncation = None
    if limit and keep.over_length == "truncate":
        truncation = Truncation(job.parent("model"), limit)
    rows.copy(
        corpus / "traces.parquet",
        "corpus",
        traces.index.isin(chosen.index),
        source=source,
        shorten=truncation and truncation.shorten,
    )
    facts: dict = {"sources": {source: f"corpora/{corpus.name}"}}
    if truncation:
        facts["over_length"] = truncation.ledger
    return len(traces), dropped, facts


def mix(job: Job, rows: TrainingRows) -> tuple[int, Counter[str], dict]:
    """Write a mix of training sets, part after part; see `take` for what it returns."""
    import numpy as np
    import pandas as pd

    files = [folder / "train.parquet" for folder in job.parent_list("parts")]
    parts = [pd.read_parquet(file, columns=["problem_id"])["problem_id"] for file in files]
    assigned, dropped = assign_problems(parts, job.params["weights"], job.params["seed"])
    if job.params["size"] is not None:
        together = pd.DataFrame({"problem_id": sorted(set().union(*assigned))})
        kept, _ = keep_size(together, job.params["size"], job.params["seed"])
        smaller = [own.intersection(kept["problem_id"]) for own in assigned]
        dropped["over size"] = sum(
            int(part.isin(own - left).sum())
            for part, own, left in zip(parts, assigned, smaller, strict=True)
        )
        assigned = smaller
    for file, part, own in zip(files, parts, assigned, strict=True):
        rows.copy(file, "training set", np.asarray(part.isin(own)))
    records = [read_record(file.parent) for file in files]
    sources = {name: place for each in records for name, place in each.get("sources", {}).items()}
    return sum(map(len, parts)), dropped, {"sources": sources}


def read_light(corpus: Path, tokens: Path | None = None) -> pd.DataFrame:
    """What is known of each trace but for its text; with `tokens`, also its length in them."""
    import pandas as pd

    table = open_table(corpus / "traces.parquet", LIGHT_COLUMNS, "corpus")
    traces = table.read(columns=list(LIGHT_COLUMNS)).to_pandas()
    if tokens is not None:
        lengths = pd.read_parquet(tokens / "tokens.parquet")
        if not (
            lengths["problem_id"].equals(traces["problem_id"])
            and lengths["sample_index"].equals(traces["sample_index"])
        ):
            raise AssertionError(f"{tokens} does not measure the traces of {corpus}")
        traces["response_tokens"] = lengths["response_tokens"]
    return traces


def removed_problems(job: Job) -> dict[str, str]:
    """Problem id -> why screening removed it."""
    import pandas as pd

    if "screening" not in job.manifest["parents"]:
        return {}
    removed = pd.read_parquet(
        job.parent("screening") / "removed.parquet", columns=["problem_id", "reason"]
    )
    return dict(zip(removed["problem_id"], removed["reason"], strict=True))


def keep_size(rows: pd.DataFrame, size: int, seed: int) -> tuple[pd.DataFrame, int]:
    """The rows of `size` problems, a subset of what any larger size keeps, and how many are left
    out."""
    problems = rows["problem_id"].unique()
    if len(problems) < size:
        raise UserError(
            f"traces of only {len(problems)} problems are left; 'size' asks for {size}; lower"
            " 'size', or add problems or traces"
        )
    kept = rows[rows["problem_id"].isin(ranked(problems, seed)[:size])]
    return kept, len(rows) - len(kept)


if __name__ == "__main__":
    main()
