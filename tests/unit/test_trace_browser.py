"""What the page of a training set is made of, and how it is made."""

import base64
import gzip
import json
import re
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cotdistil.trace_browser.account import Account
from cotdistil.trace_browser.chosen_rows import evenly_spread
from cotdistil.trace_browser.page import BLOCK_TRACES, FOLDER, SCRIPTS, write_page
from cotdistil.trace_browser.verdict_places import verdict_places
from hand_made_store import HandMadeStore
from hand_made_traces import HandMadeTrace, Round, browse, write_pruned, write_training_set

STEPS = ["Two and two.\n\n", "That is four.\n\n", "And one is 5.\n\n", "Wait, check.\n\n", "Yes."]
CUT = HandMadeTrace(
    "cut",
    STEPS,
    kept=[[0, 3]],
    reason="cut",
    first_answer_step=3,
    rounds=[
        Round([[0, 3]], True),
        Round([[0, 1]], False, ["2"]),
        Round([[0, 2]], False, ["4"]),
    ],
)
INNER = HandMadeTrace(
    "inner",
    STEPS,
    kept=[[0, 1], [2, 3]],
    reason="cut",
    rounds=[Round([[0, 3]], True), Round([[0, 1], [2, 3]], True)],
    after="It is \\boxed{5}, the student says.",
)
DROPPED = HandMadeTrace(
    "dropped",
    STEPS,
    conclusion="It is \\boxed{7}.",
    kept=None,
    reason="full trace not validated",
    rounds=[Round([[0, 5]], None), Round([[0, 4]], False, ["7"])],
)
PLAIN = HandMadeTrace("plain", response="It is 5.", reason="no thinking")
OPEN = HandMadeTrace("open", response="<think>\nLet me", reason="unfinished thinking")
UNREADABLE = HandMadeTrace("unreadable", STEPS, gold="\\foo{")
ALL = [CUT, INNER, DROPPED, PLAIN, OPEN, UNREADABLE]


def page_of(made) -> tuple[str, dict, list[dict]]:
    """The page's text, its index and the traces in its blocks."""
    assert made.status == 0, made.text
    return parts_of(made.folder / "browser.html")


def parts_of(path: Path) -> tuple[str, dict, list[dict]]:
    text = path.read_text(encoding="utf-8")
    [index] = re.findall(r'<script type="application/json" id="index">(.*?)</script>', text)
    blocks = re.findall(r'class="block">(.*?)</script>', text)
    unpacked = [json.loads(gzip.decompress(base64.b64decode(block))) for block in blocks]
    index = json.loads(index)
    assert [len(block) for block in unpacked] == index["blocks"]
    return text, index, [trace for block in unpacked for trace in block]


# --- which traces, and what is said of them -----------------------------------------------------


@given(st.integers(0, 5000), st.one_of(st.none(), st.integers(1, 6000)))
def test_the_traces_shown_are_evenly_spread_over_the_set(rows, most):
    numbers = evenly_spread(rows, most)
    assert len(numbers) == min(rows, most or rows)
    assert numbers[:1] == ([0] if rows else [])
    gaps = {after - before for before, after in pairwise([*numbers, rows])} if numbers else {1}
    assert min(gaps) >= 1
    assert max(gaps) - min(gaps) <= 1


def test_a_page_has_each_trace_with_its_steps_its_verdicts_and_what_follows(tmp_path):
    made = browse(HandMadeStore(tmp_path), ALL)
    _, index, traces = page_of(made)
    cut, inner, dropped, plain, unfinished, unreadable = traces
    assert [trace["id"] for trace in traces] == [trace.problem_id for trace in ALL]
    assert cut["steps"] == STEPS
    assert (cut["kept"], cut["first_answer_step"], cut["after"]) == ([[0, 3]], 3, None)
    assert [each["place"] for each in cut["rounds"]] == [3, 1, 2]
    assert [each["valid"] for each in cut["rounds"]] == [True, False, False]
    assert inner["kept"] == [[0, 1], [2, 3]]
    assert inner["conclusion"] == "So it is \\boxed{5}."
    assert inner["after"] == "It is \\boxed{5}, the student says."
    assert [each["place"] for each in inner["rounds"]] == [3, 1]
    assert (dropped["kept"], dropped["after"]) == (None, None)
    assert [each["place"] for each in dropped["rounds"]] == [5, 4]
    assert (plain["steps"], plain["thinking"], plain["kept"]) == ([], None, [])
    assert (unfinished["thinking"], unfinished["unfinished"]) == ("Let me", True)
    verdicts = ["correct", "correct", "wrong", "correct", "no answer", "undecided"]
    assert [trace["verdict"] for trace in traces] == verdicts
    assert [entry["verdict"] for entry in index["traces"]] == verdicts
    assert [entry["kept_steps"] for entry in index["traces"]] == [3, 2, None, 0, 0, 5]
    assert [entry["row"] for entry in index["traces"]] == list(range(6))
    assert unreadable["reason"] == "whole"


def test_the_record_says_how_many_there_are_and_are_shown_and_what_became_of_all(tmp_path):
    made = browse(HandMadeStore(tmp_path), ALL * 10, most=7)
    _, index, traces = page_of(made)
    assert [trace["row"] for trace in traces] == [0, 8, 17, 25, 34, 42, 51]
    assert [trace["id"] for trace in traces] == [
        ALL[row % 6].problem_id for row in index_rows(index)
    ]
    record = made.record
    assert (record["rows"], record["shown"], record["rows_left"]) == (60, 7, 50)
    assert record["bytes"] == (made.folder / "browser.html").stat().st_size
    assert record["reasons"] == {
        "cut": 20, "full trace not validated": 10, "no thinking": 10, "unfinished thinking": 10,
        "whole": 10,
    }  # fmt: skip
    assert record["dropped"] == {"full trace not validated": 10}
    left = [trace for trace in ALL * 10 if trace.left is not None]
    assert record["tokens_before"] == sum(len(trace.whole) // 4 for trace in left)
    assert record["tokens_after"] == sum(len(trace.left) // 4 for trace in left)


def test_of_many_rounds_those_of_the_traces_shown_are_read(tmp_path):
    _, index, traces = page_of(browse(HandMadeStore(tmp_path), ALL * 200, most=2))
    assert index_rows(index) == [0, 600]
    assert [len(trace["rounds"]) for trace in traces] == [3, 3]


def index_rows(index: dict) -> list[int]:
    return [entry["row"] for entry in index["traces"]]


def test_a_training_set_that_was_not_pruned_is_kept_whole_and_has_no_verdicts(tmp_path):
    made = browse(HandMadeStore(tmp_path), ALL, pruned=False)
    _, index, traces = page_of(made)
    assert not index["pruned"]
    assert traces[0]["kept"] == [[0, len(traces[0]["steps"])]]
    assert "".join(traces[0]["steps"]) == "".join(STEPS)
    assert traces[4]["thinking"] is None
    assert traces[4]["steps"] == ["Let me"]
    assert all(trace["rounds"] == [] and trace["reason"] is None for trace in traces)
    assert (made.record["rows_left"], made.record["reasons"]) == (6, {})


def test_blocks_hold_fifty_traces_or_a_million_characters_the_students_answers_too(tmp_path):
    short = [HandMadeTrace(f"p{i}", STEPS) for i in range(2 * BLOCK_TRACES + 1)]
    long = [HandMadeTrace(f"l{i}", ["x" * 400_000]) for i in range(4)]
    rounds = [Round([[0, 5]], False, ["x" * 2000] * 2)] * 50
    asked = [HandMadeTrace(f"a{i}", STEPS, rounds=rounds) for i in range(6)]
    text, index, _ = page_of(browse(HandMadeStore(tmp_path), [*short, *long, *asked]))
    # Of 400,000 characters each, in each of 50 rounds two answers, as written and as extracted.
    assert index["blocks"] == [BLOCK_TRACES, BLOCK_TRACES, 4, 3, 3, 1]
    blocks = re.findall(r'class="block">(.*?)</script>', text)
    sizes = [len(gzip.decompress(base64.b64decode(block))) for block in blocks]
    assert index["block_characters"] == sizes
    assert max(sizes) < 1_500_000


@pytest.mark.parametrize("count", [0, 1])
def test_a_set_of_one_trace_or_of_none_has_its_page(tmp_path, count):
    _, index, traces = page_of(browse(HandMadeStore(tmp_path), ALL[:count]))
    assert (index["rows"], len(traces)) == (count, count)


# --- where verdicts stand -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "places"),
    [
        # Bisection: each verdict stands behind the prefix that was asked about.
        ([([[0, 20]], False), ([[0, 30]], True), ([[0, 25]], False)], [20, 30, 25]),
        # Steps removed from within: where those begin that are removed beyond what went before.
        ([([[0, 9]], True), ([[0, 4], [6, 9]], True), ([[1, 4], [6, 9]], False)], [9, 4, 0]),
        ([([[0, 9]], True), ([[0, 4], [6, 9]], True), ([[0, 4], [6, 7], [8, 9]], True)], [9, 4, 7]),
        # Once more about the same, and about the whole: behind the last step.
        ([([[0, 40]], True), ([[0, 9]], True), ([[0, 9]], True)], [40, 9, 9]),
        ([([], None)], [0]),
    ],
)
def test_a_verdict_stands_where_that_begins_which_it_was_to_do_without(asked, places):
    rounds = [{"kept_spans": spans, "valid": valid} for spans, valid in asked]
    assert verdict_places(rounds, 40) == places


# --- files that do not belong together ----------------------------------------------------------


def test_pruned_traces_of_another_training_set_are_refused(tmp_path):
    store = HandMadeStore(tmp_path)
    parents = {"training_set": write_training_set(store, [CUT, CUT]), "pruned": None}
    for label, traces, message in (
        ("fewer", [CUT], "found 1 traces; expected 2"),
        ("other problem", [CUT, INNER], "row 1: found it about cut, inner; expected one problem"),
        (
            "other steps",
            [CUT, HandMadeTrace("cut", STEPS[:4])],
            "row 1: found 4 step_ends",
        ),
    ):
        parents["pruned"] = write_pruned(store, traces, label)
        made = store.run("trace_browsers", {"title": "t", "traces": None}, parents)
        assert made.status == 1
        assert message in made.text
        assert "clean_store.py --remake pruned/" in made.text
        assert "Traceback" not in made.text


def test_rounds_in_another_order_than_the_traces_are_refused(tmp_path):
    store = HandMadeStore(tmp_path)
    whole, pruned = write_training_set(store, [CUT, INNER]), write_pruned(store, [CUT, INNER])
    rounds = pq.read_table(pruned / "rounds.parquet")
    pq.write_table(rounds.take([4, 3, 2, 1, 0]), pruned / "rounds.parquet")
    parents = {"training_set": whole, "pruned": pruned}
    made = store.run("trace_browsers", {"title": "t", "traces": None}, parents)
    assert made.status == 1
    assert (
        "found row 0 after row 1; expected the rows in the order of the training set" in made.text
    )


# --- the file -----------------------------------------------------------------------------------


def test_the_page_loads_nothing_and_runs_nothing_but_its_own_script(tmp_path):
    text, _, _ = page_of(browse(HandMadeStore(tmp_path), ALL))
    [policy] = re.findall(r'http-equiv="Content-Security-Policy" content="(.*?)"', text)
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy
    assert re.findall(r"\b(?:src|href)=[^ >]*", text) == ['href="index.html"']
    assert "http:" not in text
    assert "https:" not in text


def test_no_script_of_the_page_writes_markup():
    for name in SCRIPTS:
        script = (FOLDER / name).read_text(encoding="utf-8")
        assert not re.search(
            r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(", script
        )
        assert "</script" not in script
        assert "<!--" not in script


def test_every_script_and_template_of_the_folder_is_in_the_page():
    assert {file.name for file in FOLDER.glob("*.js")} == set(SCRIPTS)


def test_text_that_utf8_cannot_write_and_tags_are_told_from_the_page(tmp_path):
    hostile = "</script><script>alert(1)</script>\ud800\u2028\0<!--"
    trace = {
        "row": 0, "id": hostile, "question": hostile, "gold": hostile, "response": hostile,
        "steps": [hostile], "thinking": None, "unfinished": False, "kept": [[0, 1]],
        "conclusion": hostile, "after": None, "reason": None, "tokens": None, "tokens_after": None,
        "first_answer_step": None, "rounds": [], "answer": None, "answer_from": "no box",
        "verdict": "no answer",
    }  # fmt: skip
    path = tmp_path / "page.html"
    assert write_page(path, hostile.replace("\ud800", ""), Account(1), False, [trace]) == 1
    text, index, [found] = parts_of(path)
    assert found["steps"] == [hostile]
    assert index["traces"][0]["id"] == hostile
    assert "alert(1)</script>" not in text
    assert text.count("<script") == 3


def test_the_same_traces_make_the_same_bytes(tmp_path):
    one, two = (browse(HandMadeStore(tmp_path / name), ALL, most=4) for name in ("one", "two"))
    assert (one.folder / "browser.html").read_bytes() == (two.folder / "browser.html").read_bytes()


# Of this process alone: what `getrusage` says includes what its parent held when it began.
PEAK = """
import re, runpy, sys
sys.argv = sys.argv[1:]
sys.path.insert(0, sys.argv[0].rpartition("/")[0])
runpy.run_path(sys.argv[0], run_name="__main__")
print("peak", re.search(r"VmHWM:\\s+(\\d+) kB", open("/proc/self/status").read())[1])
"""


def test_memory_does_not_grow_with_the_training_set(tmp_path):
    peaks = []
    for count in (200, 4000):
        store = HandMadeStore(tmp_path / str(count))
        step = "The sum of two numbers. " * 800 + "\n\n"
        traces = [HandMadeTrace(f"p{i}", [step, f"{i}"]) for i in range(count)]
        parents = {
            "training_set": write_training_set(store, traces, row_group_size=200),
            "pruned": write_pruned(store, traces, row_group_size=200),
        }
        command, folder = store.plan("trace_browsers", {"title": "t", "traces": 100}, parents)
        made = subprocess.run(
            [sys.executable, "-c", PEAK, *command], capture_output=True, text=True, check=True
        )
        assert json.loads((folder / "record.json").read_text())["shown"] == 100
        peaks.append(int(made.stdout.split()[-1]) / 1000)
    # In MB; 4,000 responses hold 77 MB of text.
    assert peaks[1] < peaks[0] + 25
