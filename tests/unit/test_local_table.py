"""Local tables are read row by row, and a fault is named with its file and line."""

import csv
import json
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import Table, parquet

from cotdistil.errors import UserError
from cotdistil.local_table import read_rows

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"


def rows_of(path: Path, content: str | bytes, columns=None, file_format=None) -> list[dict]:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return list(read_rows(path, file_format or path.suffix[1:], columns))


def fault(path: Path, content: str | bytes, columns=None) -> str:
    with pytest.raises(UserError) as raised:
        rows_of(path, content, columns)
    text = str(raised.value)
    assert text.startswith(f"{path}: ")
    assert "\n" not in text
    return text


def test_json_lines_may_have_a_byte_order_mark_blank_lines_and_any_line_break_in_text(tmp_path):
    content = '\ufeff{"a": 1, "b": "x\u2028y\u0085z"}\r\n\n   \n{"a": [true, null]}'
    rows = rows_of(tmp_path / "rows.jsonl", content)
    assert rows == [{"a": 1, "b": "x\u2028y\u0085z"}, {"a": [True, None]}]


def test_a_column_that_some_rows_lack_is_null_there(tmp_path):
    rows = rows_of(tmp_path / "rows.jsonl", '{"a": 1, "c": 2}\n{"b": 3}\n', ["a", "b"])
    assert rows == [{"a": 1, "b": None}, {"a": None, "b": 3}]


@pytest.mark.parametrize("suffix", ["jsonl", "json"])
def test_a_column_that_none_of_the_first_thousand_rows_has_is_an_error(tmp_path, suffix):
    rows = [{"a": 1}] * 1000 + [{"b": 2}]
    lines = "\n".join(map(json.dumps, rows))
    content = lines if suffix == "jsonl" else json.dumps(rows)
    text = fault(tmp_path / f"rows.{suffix}", content, ["b"])
    assert "has no column 'b'; found the columns 'a'" in text
    late = content.replace('{"a": 1}', '{"b": 1}', 1)
    assert len(rows_of(tmp_path / f"rows.{suffix}", late, ["b"])) == 1001


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('{"a": 1}\n{"a": \n', "line 2: found what is not valid JSON"),
        ('{"a": 1}\n\n[1]\n', "line 3: found an array; expected one object per line"),
        ('"text"\n', "line 1: found text"),
        (b'{"a": "x"}\n{"a": "\xe9t\xe9"}\n', "bytes that are not UTF-8 at line 2"),
        ('{"a": "x"}\n'.encode("utf-16"), "bytes that are not UTF-8 at line 1"),
        ("[" * 100_000 + "\n", "line 1: found JSON nested too deeply"),
        ('{"a": ' + "1" * 5000 + "}\n", "line 1: found what is not valid JSON"),
        ("\n\n", "found no row"),
        ("", "the file is empty"),
    ],
)
def test_a_fault_in_json_lines_is_named_with_its_line(tmp_path, content, said):
    assert said in fault(tmp_path / "rows.jsonl", content)


def test_half_a_surrogate_pair_is_replaced_because_no_text_can_hold_it(tmp_path):
    content = r'{"a": "\ud83d\ude00 \ud83d cut", "b": ["\uDE00"], "c": "\\ud83d"}' + "\n"
    [row] = rows_of(tmp_path / "rows.jsonl", content)
    assert row == {"a": "😀 \ufffd cut", "b": ["\ufffd"], "c": r"\ud83d"}


@pytest.mark.parametrize(
    "content",
    [
        '[{"a": 1}, {"a": 2}]',
        '{"data": [{"a": 1}, {"a": 2}], "version": 1}',
        '{\n "data": [\n{"a": 1},\n{"a": 2}\n]}',
        '{"a": 1}\n{"a": 2}\n',
    ],
)
def test_json_is_an_array_of_objects_also_under_data_or_an_object_per_line(tmp_path, content):
    assert rows_of(tmp_path / "rows.json", content, ["a"]) == [{"a": 1}, {"a": 2}]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('[\n{"a": 1},\n{"a" 2}]', "line 3: found what is not valid JSON"),
        ('[{"a": 1}, 3]', "element 2 of the array: found a number; expected an object"),
        ('{"rows": []}', "found an object; expected an array of objects"),
        ("null", "found null; expected an array"),
    ],
)
def test_a_fault_in_json_is_named(tmp_path, content, said):
    assert said in fault(tmp_path / "rows.json", content)


def test_cells_of_csv_are_text_of_any_length_as_they_stand_there(tmp_path):
    long = "x, \n" * 100_000
    path = tmp_path / "rows.csv"
    with path.open("w", newline="", encoding="utf-8-sig") as file:
        csv.writer(file).writerows([["id", "a", "b"], ["007", long, "None"], [], ["1", "é"]])
    rows = list(read_rows(path, "csv", ["a", "id"]))
    assert rows == [{"a": long, "id": "007"}, {"a": "é", "id": "1"}]
    assert [row["b"] for row in read_rows(path, "csv")] == ["None", None]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('a,b\n1,"2\n3,4\n', "could not be read as csv (unexpected end of data)"),
        ("a,b,a\n1,2,3\n", "the header names the column 'a' more than once"),
        ("a,b\n1,2\n3,4,5\n", "2 columns, the row that ends on line 3 has 3"),
        (b"a,b\n1,2\n\xff,1\n", "bytes that are not UTF-8 at line 3"),
        ("a,b\n", "found no row"),
    ],
)
def test_a_fault_in_csv_is_named(tmp_path, content, said):
    assert said in fault(tmp_path / "rows.csv", content)


def test_one_line_names_a_missing_column_however_many_columns_there_are(tmp_path):
    said = fault(tmp_path / "rows.csv", ",".join(f"c{i}" for i in range(3000)) + "\n1\n", ["a"])
    assert "no column 'a'; found the columns 'c0', 'c1'," in said
    assert "'c29' and 2970 more; change the column's name" in said


@pytest.mark.parametrize(
    "column",
    [
        pa.array([b"caf\xe9"]).view(pa.string()),
        pa.array([2**62], pa.timestamp("us")),
    ],
    ids=["text that is not UTF-8", "a date beyond the year 9999"],
)
def test_a_cell_of_parquet_that_cannot_be_read_is_a_fault_of_the_file(tmp_path, column):
    path = tmp_path / "rows.parquet"
    parquet.write_table(pa.table({"a": column}), path)
    with pytest.raises(UserError, match=r"rows\.parquet: could not be read as parquet \("):
        list(read_rows(path, "parquet", ["a"]))


def test_parquet_gives_lists_and_reads_only_the_columns_asked_for(tmp_path):
    path = tmp_path / "rows.parquet"
    rows = [{"a": ["x", None], "b": 1, "c": None}, {"a": None, "b": 2, "c": "z"}]
    parquet.write_table(Table.from_pylist(rows), path)
    assert list(read_rows(path, "parquet")) == rows
    expected = [{"a": ["x", None], "c": None}, {"a": None, "c": "z"}]
    assert list(read_rows(path, "parquet", ["a", "c", "a"])) == expected
    with pytest.raises(UserError, match="has no column 'd'; found the columns 'a', 'b', 'c'"):
        list(read_rows(path, "parquet", ["d"]))


MEASURED = """
import resource, sys
sys.path.insert(0, {scripts!r})
from pathlib import Path
from cotdistil.local_table import read_rows
next(read_rows(Path({small!r}), {form!r}))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
count = sum(len(row["text"]) for row in read_rows(Path({large!r}), {form!r}, ["text"]))
print(count, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


@pytest.mark.parametrize("form", ["jsonl", "csv", "parquet"])
def test_memory_does_not_grow_with_the_file(tmp_path, form):
    def write(name: str, count: int) -> Path:
        path = tmp_path / f"{name}.{form}"
        rows = [{"id": i, "text": f"{i} {'x√' * 10_000}"} for i in range(count)]
        if form == "jsonl":
            path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
        elif form == "csv":
            with path.open("w", newline="") as file:
                writer = csv.DictWriter(file, ["id", "text"])
                writer.writeheader()
                writer.writerows(rows)
        else:  # one row group: the worst case for a reader
            parquet.write_table(Table.from_pylist(rows), path, use_dictionary=False)
        return path

    small, large = write("small", 3), write("large", 4000)
    code = MEASURED.format(scripts=str(SCRIPTS), small=str(small), large=str(large), form=form)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    characters, kilobytes = map(int, done.stdout.split())
    assert characters > 80_000_000
    assert kilobytes < 60_000, f"{kilobytes / 1000:.0f} MB more"
