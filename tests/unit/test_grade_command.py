"""`scripts/grade.py`: every row comes back in its place, and bad input is told by its line."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "grade.py"


def run(folder: Path, lines: str | bytes | list, *options: str) -> subprocess.CompletedProcess:
    pairs = folder / "pairs.jsonl"
    if isinstance(lines, list):
        lines = "".join(json.dumps(row) + "\n" for row in lines)
    pairs.write_bytes(lines.encode() if isinstance(lines, str) else lines)
    command = [sys.executable, SCRIPT, "--pairs", pairs, "--out", folder / "graded.jsonl"]
    return subprocess.run(
        [*command, "--workers", "1", *options], capture_output=True, text=True, timeout=300
    )


def graded(folder: Path) -> list[dict]:
    with (folder / "graded.jsonl").open(encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def test_rows_come_back_in_order_with_their_fields_and_a_verdict(tmp_path):
    rows = [
        {"id": 1, "gold": "1000", "pred": "1,000"},
        {"id": 2, "gold": 27.0, "pred": "28"},
        {"id": 3, "gold": ["x+1", "5"], "pred": "1+x", "note": {"kept": [None]}},
        {"id": 4, "gold": "", "pred": "3"},
        {"id": 5, "gold": "4", "pred": None},
        {"id": 6, "gold": "7", "pred": 7},
        {"id": 7, "gold": "7", "response": "<think>\\boxed{9}</think>So \\boxed{7}."},
        {"id": 8, "gold": "7", "response": "So 7."},
    ]
    done = run(tmp_path, rows)
    assert done.returncode == 0, done.stderr
    found = graded(tmp_path)
    assert [
        {name: row[name] for name in given} for given, row in zip(rows, found, strict=True)
    ] == (rows)
    columns = ("extracted", "extraction", "correct", "tier")
    assert [tuple(row[name] for name in columns) for row in found] == [
        ("1,000", "pred", True, "numeric"),
        ("28", "pred", False, "numeric"),
        ("1+x", "pred", True, "symbolic"),
        ("3", "pred", None, "none"),
        (None, "pred", False, "none"),
        ("7", "pred", True, "exact"),
        ("7", "boxed", True, "exact"),
        (None, "no box", False, "none"),
    ]
    assert [bool(row["error"]) for row in found] == [False] * 3 + [True] + [False] * 4
    assert "8 rows" in done.stdout
    assert "correct     4 (50.0%)" in done.stdout
    assert "no verdict  1" in done.stdout


def test_options_say_where_an_answer_is_looked_for_and_what_counts(tmp_path):
    rows = [
        {"gold": "7", "response": "It is 7 apples."},
        {"gold": "7", "response": "\\boxed{7}", "finish_reason": "length"},
        {"gold": "100", "pred": "101"},
        {"gold": "2", "pred": "\\sqrt{4}"},
    ]
    options = ("--fallback", "last_number", "--relative-tolerance", "0.05", "--no-algebra")
    assert run(tmp_path, rows, *options).returncode == 0
    found = graded(tmp_path)
    assert [row["correct"] for row in found] == [True, False, True, False]
    assert found[1]["truncated"] is True
    assert found[1]["extracted"] == "7"
    assert run(tmp_path, rows, "--score-truncated").returncode == 0
    assert [row["correct"] for row in graded(tmp_path)] == [False, True, False, True]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (b"{not json", "is not JSON"),
        (b"[1, 2]", "is a list"),
        (b'{"pred": "1"}', "has no field gold"),
        (b'{"gold": "1"}', "neither pred nor response"),
        (b'{"gold": {"a": 1}, "pred": "1"}', "gold is an object"),
        (b'{"gold": ["1", ["2"]], "pred": "1"}', "gold is a list with a list"),
        (b'{"gold": true, "pred": "1"}', "gold is true"),
        (b'{"gold": "1", "pred": ["1"]}', "pred is a list"),
        (b'{"gold": "1", "response": 5}', "response is a number"),
        (b'{"gold": "1", "pred": "\xff"}', "is not UTF-8"),
        (b"[" * 100_000, "nested too deep"),
        (b'{"gold": NaN, "pred": "1"}', "holds NaN"),
        (b'{"gold": 1e400, "pred": "1"}', "holds 1e400"),
        (b'{"gold": ' + b"9" * 5_000 + b', "pred": "1"}', "write it as text"),
    ],
    ids=lambda value: value[:24] if isinstance(value, str) else None,
)
def test_a_line_that_cannot_be_read_is_named_and_nothing_is_written(tmp_path, line, says):
    done = run(tmp_path, b'{"gold": "1", "pred": "1"}\n\n' + line + b"\n")
    assert done.returncode == 2
    assert "pairs.jsonl:3: " in done.stderr
    assert says in done.stderr
    assert "Traceback" not in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["pairs.jsonl"]


def test_an_earlier_result_stays_where_the_new_input_is_bad(tmp_path):
    assert run(tmp_path, [{"gold": "1", "pred": "1"}]).returncode == 0
    before = graded(tmp_path)
    assert run(tmp_path, "{").returncode == 2
    assert graded(tmp_path) == before


def test_many_bad_lines_are_named_at_once(tmp_path):
    done = run(tmp_path, "{\n" * 30)
    assert done.stderr.count("is not JSON") == 10
    assert "reading stopped at line 10" in done.stderr


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--pairs", "no-such-file.jsonl"), "no-such-file.jsonl: No such file"),
        (("--timeout", "0"), "--timeout: found 0.0"),
        (("--timeout", "nan", "--math-verify"), "--timeout: found nan"),
        (("--workers", "0"), "--workers: found 0"),
        (("--pairs", "/dev/null"), "/dev/null: is no regular file"),
        (("--out", "/dev/zero"), "/dev/zero is no regular file"),
        (("--out", "."), "is no regular file"),
        (("--relative-tolerance", "2"), "--relative-tolerance: found 2.0"),
        (("--out", "/proc/graded.jsonl"), "--out: /proc/graded.jsonl"),
    ],
)
def test_bad_options_are_one_message(tmp_path, options, says):
    done = run(tmp_path, [{"gold": "1", "pred": "1"}], *options)
    assert done.returncode == 2
    assert says in done.stderr
    assert "Traceback" not in done.stderr


def test_a_graded_file_can_be_graded_again_and_a_link_stays_a_link(tmp_path):
    rows = [{"gold": "7", "response": "\\boxed{7}", "finish_reason": "length"}]
    assert run(tmp_path, rows).returncode == 0
    assert graded(tmp_path)[0]["truncated"] is True
    (tmp_path / "link.jsonl").symlink_to("target.jsonl")
    again = run(
        tmp_path, graded(tmp_path), "--score-truncated", "--out", str(tmp_path / "link.jsonl")
    )
    assert again.returncode == 0, again.stderr
    assert (tmp_path / "link.jsonl").is_symlink()
    (row,) = map(json.loads, (tmp_path / "target.jsonl").read_text().splitlines())
    assert (row["correct"], row["tier"], row["truncated"]) == (True, "exact", True)
    rows = [{"gold": "1", "pred": "1", "truncated": True, "math_verify": False}]
    done = run(tmp_path, rows)
    assert "token limit" not in done.stdout
    assert "math-verify" not in done.stdout
    assert "1 row in" in done.stdout


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_ends_at_once_and_leaves_the_earlier_result(tmp_path, ending):
    assert run(tmp_path, [{"gold": "1", "pred": "1"}]).returncode == 0
    before = graded(tmp_path)
    slow = [{"gold": "9^{9^{9}}", "pred": f"9^{{9^{{9^{{{n}}}}}}}"} for n in range(9, 99)]
    (tmp_path / "slow.jsonl").write_text("".join(json.dumps(row) + "\n" for row in slow))
    process = psutil.Popen(
        [
            *(sys.executable, SCRIPT, "--pairs", tmp_path / "slow.jsonl", "--workers", "2"),
            *("--out", tmp_path / "graded.jsonl", "--timeout", "60"),
        ],
        stdout=subprocess.DEVNULL,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    end = time.monotonic() + 60
    while len(process.children()) < 2 and time.monotonic() < end:
        time.sleep(0.1)
    workers = process.children()
    time.sleep(3)  # they import SymPy, and begin
    process.send_signal(ending)
    assert process.wait(10) == 128 + ending
    assert not psutil.wait_procs(workers, timeout=5)[1]
    assert graded(tmp_path) == before
    assert {path.name for path in tmp_path.iterdir()} == {
        *("pairs.jsonl", "slow.jsonl", "graded.jsonl"),
    }


def test_the_input_is_never_overwritten(tmp_path):
    done = run(tmp_path, [{"gold": "1", "pred": "1"}], "--out", str(tmp_path / "pairs.jsonl"))
    assert done.returncode == 2
    assert "is the input" in done.stderr


def test_odd_but_whole_files_are_read(tmp_path):
    assert run(tmp_path, b'\xef\xbb\xbf{"gold": "1", "pred": "1"}\r\n  \n').returncode == 0
    assert len(graded(tmp_path)) == 1
    assert run(tmp_path, b"").returncode == 0
    assert graded(tmp_path) == []


HOSTILE = [
    "__import__('os').system('touch TOUCHED')",
    "().__class__.__bases__[0].__subclasses__()",
    r"\input{/etc/passwd}",
    r"\write18{touch TOUCHED}",
    "9^{9^{9^{9^9}}}",
    "{" * 1_000_000,
    "9" * 10_000_000,
    "(" * 1_000_000 + "1" + ")" * 1_000_000,
    "\x00",
    "3\x00",
    "\u202e3",
    "\ud800",
    "\\boxed{" * 100_000,
    "<think>" * 100_000,
    "\\frac{" * 1_000,
    "1," * 2_000,
    "x_" * 2_000,
    r"\sqrt[" + "9" * 60 + "]{2}",
    "10!!!!!",
    r"\sum_{k=1}^{10^{9}}\frac{1}{k}",
    r"\int_{0}^{1}e^{e^{e^{x}}}dx",
]


def test_hostile_rows_run_nothing_hang_nothing_and_all_come_back(tmp_path):
    rows = [{"gold": "3", "pred": text} for text in HOSTILE]
    rows += [{"gold": "3", "response": text} for text in HOSTILE]
    rows += [{"gold": text, "pred": "3"} for text in HOSTILE]
    rows += [{"gold": text, "pred": text} for text in HOSTILE]
    rows.append({"gold": "2", "pred": r"\sqrt{4}"})
    lines = "".join(
        json.dumps(row).replace("TOUCHED", str(tmp_path / "touched")) + "\n" for row in rows
    )
    done = run(tmp_path, lines, "--timeout", "1")
    assert done.returncode == 0, done.stderr
    found = graded(tmp_path)
    assert len(found) == len(rows)
    count = len(HOSTILE)
    assert not any(row["correct"] for row in found[: 3 * count])
    assert all(row["correct"] is not False for row in found[3 * count :])
    assert found[-1]["correct"] is True
    assert sorted(path.name for path in tmp_path.iterdir()) == ["graded.jsonl", "pairs.jsonl"]
