"""Tabulate what became of the data, from the teachers' traces to the training sets.

    python scripts/tabulate_ledger.py --manifest results/store/manifests/KEY.json \\
        --out results/store/ledger/KEY/record.json

Writes ledger.csv (a row per artefact and reason: rows in, dropped, out), corpora.csv and corpora.md
(a row per corpus: verdicts, tokens, finish reasons, cost), contamination.csv (the problems that
were removed from training sets or benchmarks, each with what it matched), and trace_lengths.png
and .svg.
"""

from __future__ import annotations

from collections.abc import Iterable

from cotdistil.figure_files import save_figure
from cotdistil.job import Job, run_job
from cotdistil.ledger import (
    CONTAMINATION_COLUMNS,
    CORPUS_COLUMNS,
    LEDGER_COLUMNS,
    Account,
    Artefact,
    CorpusRecord,
    contamination_rows,
    corpus_row,
    ledger_rows,
    read_traces,
)
from cotdistil.records import read_record
from cotdistil.table_files import markdown_table, write_csv

NOTE = (
    "*Solved* is the share of the problems that have a correct trace. Tokens are counted with the"
    " student's tokenizer, over all traces; the *median* (*p95*) is the smallest number that at"
    " least half (95 %) of the responses do not exceed. *Cost* is that of the tokens that the"
    " teacher counted, in the currency of the price in the config."
)


def main() -> None:
    with run_job(__doc__) as job:
        from cotdistil.trace_length_figure import NAME, Lengths, draw

        accounts = [row for artefact in artefacts(job) for row in ledger_rows(artefact)]
        write_csv(accounts, LEDGER_COLUMNS, job.staging / "ledger.csv")
        corpora, lengths = [], []
        for corpus, folder, counts in zip(
            job.params["corpora"],
            job.parent_list("corpora"),
            job.parent_list("tokens"),
            strict=True,
        ):
            record = read_record(folder, CorpusRecord)
            traces = read_traces(folder, counts, corpus["name"], record["rows_out"])
            corpora.append(corpus_row(corpus, record, traces))
            lengths.append(
                Lengths(corpus["name"], traces.tokens["response"], traces.correct, traces.wrong)
            )
        write_csv(corpora, CORPUS_COLUMNS, job.staging / "corpora.csv")
        (job.staging / "corpora.md").write_text(markdown(corpora), encoding="utf-8")
        removed = write_csv(
            removed_problems(job), CONTAMINATION_COLUMNS, job.staging / "contamination.csv"
        )
        save_figure(draw(lengths), job.staging, NAME)
        rows = sum(row["traces"] for row in corpora)
        job.publish(
            {
                "rows_in": rows,
                "rows_out": rows,
                "dropped": {},
                "ledger_rows": len(accounts),
                "corpora": len(corpora),
                "contaminated_problems": removed,
            }
        )


def artefacts(job: Job) -> Iterable[Artefact]:
    """All that rows went through, in the order of the data's way."""
    for stage, role, key in (
        ("corpus", "corpora", "name"),
        ("screening", "screening", "problems"),
        ("benchmark", "held_out", "benchmark"),
        ("training set", "training_sets", "name"),
    ):
        for params, folder in zip(job.params[role], job.parent_list(role), strict=True):
            address = folder.relative_to(job.store).as_posix()
            student = params.get("student") or ""
            yield Artefact(stage, params[key], student, address, read_record(folder, Account))


def removed_problems(job: Job) -> Iterable[dict]:
    """The rows of contamination.csv: of training problems, then of benchmarks."""
    for role, whose, of in (
        ("screening", "problems", "benchmarks"),
        ("held_out", "benchmark", "training"),
    ):
        for params, folder in zip(job.params[role], job.parent_list(role), strict=True):
            yield from contamination_rows(role, params[whose], params[of], folder)


def markdown(corpora: list[dict]) -> str:
    """What a reader wants of corpora.csv first, as a Markdown table."""
    heads = [
        *("corpus", "teacher", "problems", "solved, %", "traces", "correct, %", "undecided"),
        *("no answer", "tokens: median", "p95", "max", "thinking: median", "finish reasons"),
        "cost",
    ]
    words = {"corpus", "teacher", "finish reasons"}
    rows = []
    for row in corpora:
        solved, cost = row["problems_solved"], row["cost"]
        rows.append(
            [
                row["corpus"],
                row["teacher"],
                _whole(row["problems"]),
                "" if solved is None else f"{100 * solved:.1f}",
                _whole(row["traces"]),
                f"{100 * row['correct'] / row['traces']:.1f}" if row["traces"] else "",
                _whole(row["undecided"]),
                _whole(row["without_answer"]),
                *(_whole(row[f"response_tokens_{name}"]) for name in ("median", "p95", "max")),
                _whole(row["thinking_tokens_median"]),
                " ".join(row["finish_reasons"].split()),
                "" if cost is None else f"{cost:,.2f}",
            ]
        )
    return f"{markdown_table(heads, rows, words)}\n\n{NOTE}\n"


def _whole(number: int | None) -> str:
    return "" if number is None else f"{number:,}"


if __name__ == "__main__":
    main()
