"""What a user reads when files of the store are broken: one line, and never a wrong number."""

import json
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import index_browsers
from hand_made_pruning import TRACES
from hand_made_pruning import write_pruned as write_counted
from hand_made_store import HandMadeStore, Outcome
from hand_made_traces import HandMadeTrace, Round, write_pruned, write_training_set

STEPS = ["Two.\n\n", "Three.\n\n", "So 5.\n\n", "Wait.\n\n", "Yes."]
CUT = HandMadeTrace(
    "cut", STEPS, kept=[[0, 3]], reason="cut", rounds=[Round([[0, 3]], True), Round([[0, 2]], None)]
)
DROPPED = HandMadeTrace(
    "dropped", STEPS, kept=None, reason="full trace not validated", rounds=[Round([[0, 5]], False)]
)
SHOWN = [CUT, HandMadeTrace("whole", STEPS), DROPPED, HandMadeTrace("plain", response="It is 5.")]

INDEX = {"pages": [{"file": "a.html", "title": "a"}]}

Rows = list[dict]


def refused(made: Outcome, file: Path, *words: str) -> None:
    """The command ended with one line about this file, and left no artefact."""
    assert made.status == 1, made.text
    [line] = set(made.text.splitlines())
    assert str(file) in line
    assert line.endswith(f"clean_store.py --remake {file.parent.parent.name}/{file.parent.name}")
    for word in words:
        assert word in line
    assert not made.folder.exists()


def rewrite(path: Path, change: Callable[[Rows], object], schema: pa.Schema | None = None) -> Path:
    """Change the rows of a parquet file."""
    table = pq.read_table(path)
    rows = table.to_pylist()
    change(rows)
    pq.write_table(pa.Table.from_pylist(rows, schema=schema or table.schema), path)
    return path


def put(at: int, /, **cells: object) -> Callable[[Rows], object]:
    return lambda rows: rows[at].update(cells)


def of_type(path: Path, column: str, kind: pa.DataType) -> pa.Schema:
    schema = pq.read_schema(path)
    return schema.set(schema.get_field_index(column), pa.field(column, kind))


def gone(path: Path) -> None:
    path.unlink()


def empty(path: Path) -> None:
    path.write_bytes(b"")


def cut_short(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-20])


def garbled(path: Path) -> None:
    """All columns, before the footer that says where they are."""
    content = path.read_bytes()
    columns = len(content) - 12 - int.from_bytes(content[-8:-4], "little")
    path.write_bytes(content[:4] + b"\xff" * columns + content[4 + columns :])


def not_json(path: Path) -> None:
    path.write_text('{"rows": 3,')


def a_list(path: Path) -> None:
    path.write_text("[]")


DAMAGES = [gone, empty, cut_short, garbled]


@pytest.fixture
def store(tmp_path: Path) -> HandMadeStore:
    return HandMadeStore(tmp_path)


def test_a_manifest_that_cannot_be_read_ends_the_command_with_a_line(store, capsys, monkeypatch):
    command, _ = store.plan("trace_index", INDEX, {"browsers": []})
    Path(command[2]).write_text('{"stage')
    monkeypatch.setattr("sys.argv", command)
    with pytest.raises(SystemExit):
        index_browsers.main()
    [line] = set("".join(capsys.readouterr()).splitlines())
    assert command[2] in line
    assert "delete it and run snakemake again" in line


# --- pages of traces ----------------------------------------------------------------------------


def browsed(store: HandMadeStore) -> dict[str, Path]:
    return {
        "training_set": write_training_set(store, SHOWN),
        "pruned": write_pruned(store, SHOWN),
    }


def browse(store: HandMadeStore, parents: dict[str, Path]) -> Outcome:
    return store.run("trace_browsers", {"title": "t", "traces": None}, parents)


def test_a_page_is_made_of_files_that_are_whole(store):
    assert browse(store, browsed(store)).status == 0


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize(
    ("role", "file"),
    [
        ("training_set", "train.parquet"),
        ("pruned", "train.parquet"),
        ("pruned", "traces.parquet"),
        ("pruned", "rounds.parquet"),
    ],
)
def test_a_page_of_a_file_that_cannot_be_read_is_refused(store, role, file, damage):
    parents = browsed(store)
    damage(parents[role] / file)
    refused(browse(store, parents), parents[role] / file)


@pytest.mark.parametrize("damage", [empty, not_json, a_list])
def test_a_page_of_a_pruned_set_without_a_record_that_can_be_read_is_refused(store, damage):
    parents = browsed(store)
    (parents["training_set"] / "record.json").write_text('{"content": "1f2e"}')
    damage(parents["pruned"] / "record.json")
    refused(browse(store, parents), parents["pruned"] / "record.json")


@pytest.mark.parametrize("column", ["problem_id", "question", "gold", "response"])
@pytest.mark.parametrize("pruned", [True, False])
def test_a_page_of_a_training_set_with_a_null_is_refused(store, column, pruned):
    parents = browsed(store)
    if not pruned:
        del parents["pruned"]
    file = rewrite(parents["training_set"] / "train.parquet", put(1, **{column: None}))
    refused(browse(store, parents), file, f"row 1: found null in {column}")


def test_a_page_of_a_training_set_with_numbers_for_ids_is_refused(store):
    parents = browsed(store)
    file = parents["training_set"] / "train.parquet"

    def number(rows: Rows) -> None:
        for position, row in enumerate(rows):
            row["problem_id"] = position

    rewrite(file, number, of_type(file, "problem_id", pa.int64()))
    refused(browse(store, parents), file, "row 0: found 0 in problem_id; expected a valid string")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (put(0, kept_spans=[[0, 99]]), ["row 0", "[[0, 99]]", "5 steps"]),
        (put(0, kept_spans=[[3, 1]]), ["row 0", "[[3, 1]]"]),
        (put(0, kept_spans=[[0, 2], [1, 2]]), ["row 0", "kept_spans"]),
        (put(0, kept_spans=[[0, 3, 4]]), ["row 0", "kept_spans"]),
        (put(0, kept_spans=[[0, 2]]), ["row 0", "kept_steps 3", "2"]),
        (put(0, kept_spans=None), ["row 0", "kept_spans", "kept_steps"]),
        (put(0, tokens_after=None), ["row 0", "tokens_after"]),
        (put(2, tokens_after=7), ["row 2", "tokens_after"]),
        (put(1, reason=None), ["row 1", "found null in reason"]),
        (put(1, tokens_before=None), ["row 1", "found null in tokens_before"]),
        (put(1, tokens_before=-5), ["row 1", "found -5 in tokens_before"]),
        (put(1, first_answer_step=9), ["row 1", "first_answer_step 9", "1 to 5"]),
        (put(1, row=2), ["row 1", "found it numbered 2"]),
        (put(0, step_ends=[6, 30, 20, 25, 30]), ["row 0", "step_ends"]),
        (put(0, step_ends=[6, 14, 30]), ["row 0", "step_ends"]),
        (put(0, step_ends=None), ["row 0", "step_ends"]),
        (put(0, calls=2), ["row 0", "calls"]),
        (lambda rows: rows.pop(), ["found 3 traces; expected 4"]),
    ],
)
def test_a_page_of_traces_that_contradict_themselves_is_refused(store, change, words):
    parents = browsed(store)
    file = rewrite(parents["pruned"] / "traces.parquet", change)
    made = browse(store, parents)
    refused(made, parents["pruned"] / "rounds.parquet" if "calls" in words else file, *words)


@pytest.mark.parametrize(
    "change",
    [lambda rows: rows.clear(), lambda rows: rows.pop(), lambda rows: rows.append(rows[0])],
)
def test_a_page_of_more_or_fewer_rows_than_were_left_is_refused(store, change):
    parents = browsed(store)
    file = rewrite(parents["pruned"] / "train.parquet", change)
    refused(browse(store, parents), file, "expected 3")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (put(2, row=9), ["row 9", "4"]),
        (put(2, row=-1), ["row -1"]),
        (put(2, row=None), ["row None"]),
        (lambda rows: rows.pop(0), ["row 0", "round 1"]),
        (lambda rows: rows.pop(), ["row 2", "found 0", "expected 1"]),
        (put(2, valid=None), ["row 2", "found 0", "expected 1"]),
        (put(2, kept_spans=[[0, 6]]), ["row 2", "[[0, 6]]", "5 steps"]),
        (put(2, kept_spans=None), ["row 2", "null in kept_spans"]),
        (put(0, right=[]), ["row 0", "right"]),
        (put(0, answers=None), ["row 0", "null in answers"]),
    ],
)
def test_a_page_of_rounds_that_do_not_belong_to_the_traces_is_refused(store, change, words):
    parents = browsed(store)
    file = rewrite(parents["pruned"] / "rounds.parquet", change)
    refused(browse(store, parents), file, *words)


@pytest.mark.parametrize("damage", [empty, not_json, a_list])
def test_an_index_over_a_page_without_a_record_that_can_be_read_is_refused(store, damage):
    page = browse(store, browsed(store)).folder
    damage(page / "record.json")
    made = store.run(
        "trace_index", {"pages": [{"file": "a.html", "title": "a"}]}, {"browsers": [page]}
    )
    refused(made, page / "record.json")


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        ({"rows": None}, "found null in rows"),
        ({"reasons": ["cut"]}, "found ['cut'] in reasons"),
        ({"reasons": {"cut": "two"}}, "found 'two' in reasons.cut"),
    ],
)
def test_an_index_over_a_record_of_something_else_is_refused(store, cells, words):
    page = browse(store, browsed(store)).folder
    record = json.loads((page / "record.json").read_text())
    (page / "record.json").write_text(json.dumps(record | cells))
    made = store.run(
        "trace_index", {"pages": [{"file": "a.html", "title": "a"}]}, {"browsers": [page]}
    )
    refused(made, page / "record.json", words)


# --- tables of pruning --------------------------------------------------------------------------


def counted(store: HandMadeStore, **changes: object) -> Path:
    folder = store.artefact("pruned", "one")
    write_counted(folder, TRACES, **changes)
    return folder


def tabulate(store: HandMadeStore, folder: Path) -> Outcome:
    described = {"recipe": "pruned", "student": "small", "cutter": "binary"}
    return store.run("pruning_tables", {"pruned": [described]}, {"pruned": [folder]})


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_table_of_traces_that_cannot_be_read_is_refused(store, damage):
    folder = counted(store)
    damage(folder / "traces.parquet")
    refused(tabulate(store, folder), folder / "traces.parquet")


@pytest.mark.parametrize("damage", [empty, not_json, a_list])
def test_a_table_of_a_record_that_cannot_be_read_is_refused(store, damage):
    folder = counted(store)
    damage(folder / "record.json")
    refused(tabulate(store, folder), folder / "record.json")


@pytest.mark.parametrize(
    "name", ["rows_in", "dropped", "halved", "checks", "cached_tokens", "pairs", "cost"]
)
def test_a_table_of_a_record_without_a_number_is_refused(store, name):
    folder = counted(store)
    record = json.loads((folder / "record.json").read_text())
    del record[name]
    (folder / "record.json").write_text(json.dumps(record))
    refused(tabulate(store, folder), folder / "record.json", f"found no {name}")


@pytest.mark.parametrize(
    "changes",
    [
        *({name: 1_000_000} for name in ("tokens_in", "tokens_before", "tokens_after", "halved")),
        *({name: 17} for name in ("steps_before", "steps_after", "traces_with_steps")),
        *({name: 1} for name in ("rows_in", "rows_out", "checks", "checks_over_context")),
        *({name: 0} for name in ("with_answer_step", "answer_in_last_ten")),
        {"reasons": {"cut": 8}},
        {"dropped": {}},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_a_table_of_a_record_that_counts_other_than_the_traces_is_refused(store, changes):
    folder = counted(store, **changes)
    [(name, number)] = changes.items()
    name = "calls" if name.startswith("checks") else name
    words = (f"found {name} ",) if name == "calls" else (f"found {name} {number}",)
    refused(tabulate(store, folder), folder / "record.json", "small · pruned", *words)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (put(1, calls=None), ["row 1", "null in calls"]),
        (put(1, tokens_after=None), ["row 1", "tokens_after"]),
        (put(1, reason=None), ["row 1", "null in reason"]),
        (put(1, kept_spans=[[-3, 4]]), ["row 1", "-3 in kept_spans"]),
        (put(1, kept_spans=[[0, 999]]), ["row 1", "[[0, 999]]"]),
    ],
)
def test_a_table_of_traces_that_contradict_themselves_is_refused(store, change, words):
    folder = counted(store)
    file = rewrite(folder / "traces.parquet", change)
    refused(tabulate(store, folder), file, *words)


def test_text_that_is_not_utf8_is_refused(store):
    folder = counted(store)
    table = pq.read_table(folder / "traces.parquet")
    bad = pa.Array.from_buffers(
        pa.string(),
        len(table),
        pa.array([b"\xff"] * len(table), pa.binary()).buffers(),
    )
    position = table.schema.get_field_index("reason")
    pq.write_table(table.set_column(position, "reason", bad), folder / "traces.parquet")
    refused(tabulate(store, folder), folder / "traces.parquet", "utf-8")


# --- the audit ----------------------------------------------------------------------------------

SCORE = {"gold": "5", "extracted": "5", "correct": True, "tier": "exact"}
AUDITED = {"scores": "scores", "second_opinions": "opinions", "judgements": "judgements"}


def audited(store: HandMadeStore, **opinion: object) -> dict[str, list[Path]]:
    sample = {"problem_id": "p0", "sample_index": 0}
    rows = {
        "scores": SCORE,
        "second_opinions": {"math_verify": True},
        "judgements": {"judge": None, "judge_reply": "\r"} | opinion,
    }
    parents = {}
    for stage, name in AUDITED.items():
        folder = store.artefact(stage, "one")
        table = pa.Table.from_pylist([sample | rows[stage]])
        pq.write_table(table, folder / f"{name}.parquet")
        parents[stage] = [folder]
    return parents


def audit(store: HandMadeStore, parents: dict[str, list[Path]]) -> Outcome:
    names = ("student", "recipe", "stage", "seed", "benchmark")
    arm = dict(zip(names, ("tiny", "long", "sft", 0, "sums"), strict=True)) | {"k": 1}
    return store.run("audit_tables", {"arms": [arm]}, parents)


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("stage", AUDITED)
def test_an_audit_of_a_file_that_cannot_be_read_is_refused(store, stage, damage):
    parents = audited(store)
    file = parents[stage][0] / f"{AUDITED[stage]}.parquet"
    damage(file)
    refused(audit(store, parents), file)


@pytest.mark.parametrize("stage", AUDITED)
def test_an_audit_of_two_verdicts_on_one_sample_is_refused(store, stage):
    parents = audited(store)
    file = parents[stage][0] / f"{AUDITED[stage]}.parquet"
    rewrite(file, lambda rows: rows.append(rows[0]))
    refused(audit(store, parents), file, "p0", "one row per sample")


def test_an_audit_without_a_verdict_is_refused(store):
    parents = audited(store)
    file = rewrite(parents["scores"][0] / "scores.parquet", put(0, correct=None))
    refused(audit(store, parents), file, "row 0: found null in correct")
