"""Rows of data sets and files of models from a hub, here one on loopback.

The HF_* variables are read when the libraries are imported, so that each setting needs a process of
its own; a process is asked for many things.
"""

import csv
import io
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest
from pyarrow import Table, parquet

from hand_made_store import SCRIPTS, HandMadeStore
from hub_server import Faults, HubServer

TOKEN = "hf_tokenOfTheTests"
COLUMNS = ["problem", "generations"]

# Each line of the input asks for rows, from `load_dataset` where it says so; each line of the
# output has them, or the error, and what was told on the way.
READER = """
    import json, sys, time
    if "--hurry" in sys.argv:
        time.sleep = lambda seconds: None
    from itertools import islice
    from cotdistil.errors import UserError
    from cotdistil.hub_dataset import hub_rows

    for line in sys.stdin:
        dataset, revision, config, split, columns, how = json.loads(line)
        told, rows = [], []
        try:
            if how == "load_dataset":
                from datasets import load_dataset
                rows = load_dataset(dataset, config, revision=revision, split=split)
                rows = list(rows.select_columns(columns))
            else:
                found = hub_rows(dataset, revision, config, split, columns, told.append)
                rows.extend(islice(found, how))
            error = None
        except UserError as caught:
            error = str(caught)
        print(json.dumps({"rows": rows, "error": error, "told": told}), flush=True)
"""


def environment(url: str, home: Path, **more: str) -> dict[str, str]:
    kept = {name: text for name, text in os.environ.items() if not name.startswith("HF_")}
    paths = {"HF_ENDPOINT": url, "HF_HOME": str(home), "PYTHONPATH": str(SCRIPTS)}
    return {**kept, **paths, "HF_UPDATE_DOWNLOAD_COUNTS": "0", **more}


def reader(url: str, home: Path, *arguments: str, **more: str) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(READER), *arguments],
        env=environment(url, home, **more),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def read(url: str, home: Path, asked: list[list], *arguments: str, **more: str) -> list[dict]:
    """What one process says to each of `asked`: lists of dataset, revision, config, split, columns,
    and how many rows, or "load_dataset"."""
    process = reader(url, home, *arguments, **more)
    said, errors = process.communicate("".join(json.dumps(each) + "\n" for each in asked), 120)
    assert process.returncode == 0, errors
    assert TOKEN not in said + errors
    return [json.loads(line) for line in said.splitlines()]


def traces(count: int, seed: int = 0) -> list[dict]:
    """Rows of about 2 kB that no compression makes smaller."""
    draw = random.Random(seed)
    return [
        {
            "problem": f"{seed}: what is {i} + {i}?",
            "generations": [draw.randbytes(500).hex(), str(2 * i)],
            "picture": {"bytes": b"no picture", "path": None},
        }
        for i in range(count)
    ]


def wanted(rows: list[dict]) -> list[dict]:
    return [{name: row[name] for name in COLUMNS} for row in rows]


def as_parquet(rows: list[dict]) -> bytes:
    file = io.BytesIO()
    parquet.write_table(Table.from_pylist(rows), file, row_group_size=150)
    return file.getvalue()


def as_json_lines(rows: list[dict]) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def as_csv(rows: list[dict]) -> bytes:
    file = io.StringIO()
    table = csv.DictWriter(file, list(rows[0]))
    table.writeheader()
    table.writerows(rows)
    return file.getvalue().encode()


FIRST, SECOND, OTHER = traces(300), traces(200, seed=1), traces(4, seed=2)
CARD = b"""---
configs:
- config_name: main
  data_files:
  - {split: train, path: data/train-*}
  - {split: test, path: data/test.parquet}
- config_name: other
  data_files: other/*.parquet
dataset_info:
- config_name: main
  features:
  - {name: problem, dtype: string}
  - {name: generations, sequence: string}
  - {name: picture, dtype: image}
---
"""
TRACES = {
    "README.md": CARD,
    "data/train-00000-of-00002.parquet": as_parquet(FIRST),
    "data/train-00001-of-00002.parquet": as_parquet(SECOND),
    "data/test.parquet": as_parquet(OTHER),
    "other/part.parquet": as_parquet(OTHER[1:]),
}
SMALL = wanted(OTHER)
TABLE = [{"problem": row["problem"], "generations": row["generations"][0]} for row in OTHER]
ONE_FILE = {"train.parquet": as_parquet(FIRST)}
SEVERAL = b"""---
configs:
- {config_name: easy, data_files: easy.csv}
- {config_name: hard, data_files: hard.csv}
---
"""
OUTSIDE = "---\nconfigs:\n- {{config_name: all, data_files: '{}'}}\n---\n"


def fill(hub: HubServer, secret: Path) -> dict[str, str]:
    """Revisions of the hub's data sets, by their names; the card of one names the file `secret`."""
    outside = OUTSIDE.format(secret).encode()
    contents = {
        "traces": TRACES,
        "lines": {"train.jsonl": as_json_lines(SMALL), "test.jsonl": as_json_lines(SMALL[:1])},
        "list": {"all.json": json.dumps(SMALL).encode()},
        "table": {"train.csv": as_csv(TABLE)},
        "breaking": {"breaking.parquet": as_parquet(FIRST[1:])},
        "busy": {"busy.parquet": as_parquet(OTHER)},
        "corrupt": {"corrupt.parquet": as_parquet(SMALL)},
        "script": {"script.py": b"raise SystemExit", "train.parquet": as_parquet(OTHER)},
        "several": {"README.md": SEVERAL, "easy.csv": as_csv(TABLE), "hard.csv": as_csv(TABLE)},
        "outside": {"README.md": outside, "train.parquet": as_parquet(OTHER)},
        "nothing": {"README.md": b"Soon.", "weights.bin": b"00"},
        "papers": {"paper.pdf": b"%PDF"},
        "half": {"train.jsonl": b'{"problem": "1", "generations": ["2"]}\n{"problem": '},
        "later": {"train.jsonl": as_json_lines(SMALL[:2])},
    }
    revisions = {name: hub.add(f"lab/{name}", files) for name, files in contents.items()}
    revisions["gated"] = hub.add("lab/gated", ONE_FILE, token=TOKEN)
    revisions["closed"] = hub.add("lab/closed", {"train.csv": as_csv(TABLE)}, token="another")
    hub.faults["breaking.parquet"] = Faults(broken_after=[300_000, 1000, 0])
    hub.faults["busy.parquet"] = Faults(statuses=[500])
    hub.faults["corrupt.parquet"] = Faults(corrupt=True)
    return revisions


NAMED_ROWS = {
    "parquet": ("traces", "main", "train", wanted(FIRST + SECOND)),
    "another configuration": ("traces", "other", "train", wanted(OTHER[1:])),
    "rows by number": ("traces", "main", "train[298:302]", wanted((FIRST + SECOND)[298:302])),
    "joined": ("traces", "main", "test[1:] + train[:2]", wanted(OTHER[1:] + FIRST[:2])),
    "json lines": ("lines", None, "train", SMALL),
    "json": ("list", None, "train", SMALL),
    "csv": ("table", None, "train", TABLE),
    "broken": ("breaking", None, "train", wanted(FIRST[1:])),
    "busy": ("busy", None, "train", wanted(OTHER)),
}
AS_LOADED = ("parquet", "another configuration", "rows by number", "json lines", "json", "csv")
NAMED_ERRORS = {
    "unknown id": ("nowhere", None, "train", "shows no such data set to a request with no HF_TO"),
    "unknown revision": ("table@", None, "train", "has the data set but not this revision; expect"),
    "unknown configuration": (
        "traces",
        "min",
        "train",
        "has no configuration 'min'; there are 'main', 'other'",
    ),
    "no configuration": ("several", None, "train", "the configurations 'easy', 'hard'; set `con"),
    "unknown split": ("traces", "main", "dev", "has no split 'dev'; there are 'train', 'test'"),
    "percent": ("traces", "main", "train[:10%]", "expected a name, or rows of one such as train[:"),
    "no column": ("table", None, "train", "has no column 'no'; found the columns 'problem'"),
    "gated": ("gated", None, "train", "access is gated, and was refused with no HF_TOKEN; ask"),
    "script": ("script", None, "train", "is made by the script script.py, which is not run; expec"),
    "outside": ("outside", None, "train", "its card names files outside of it, such as /"),
    "nothing": ("nothing", None, "train", "found no files to read by its card or their names"),
    "format": ("papers", None, "train", "files are read as 'pdffolder'; expected one of parquet"),
    "half": ("half", None, "train", "train.jsonl could not be read as json ("),
    "corrupt": ("corrupt", None, "train", "corrupt.parquet is damaged: found "),
}


@pytest.fixture(scope="module")
def first_run(tmp_path_factory):
    """A hub, the revisions of its data sets, a cache, and what the first process got, by name."""
    home = tmp_path_factory.mktemp("home")
    secret = tmp_path_factory.mktemp("private") / "secret.csv"
    secret.write_bytes(as_csv(TABLE))
    with HubServer() as hub:
        revisions = fill(hub, secret)
        asked = {"ten": ["lab/traces", revisions["traces"], "main", "train", COLUMNS, 10]}
        for name, (dataset, config, split, _) in {**NAMED_ROWS, **NAMED_ERRORS}.items():
            revision = revisions.get(dataset, "0" * 40)
            columns = ["problem", "no"] if name == "no column" else COLUMNS
            of = f"lab/{dataset.removesuffix('@')}"
            asked[name] = [of, revision, config, split, columns, None]
        asked |= {(name, "loaded"): [*asked[name][:5], "load_dataset"] for name in AS_LOADED}
        got = dict(zip(asked, read(hub.url, home, list(asked.values())), strict=True))
        yield hub, revisions, home, got


@pytest.mark.parametrize("name", NAMED_ROWS)
def test_the_rows_of_a_data_set_come_with_their_columns_and_in_their_order(first_run, name) -> None:
    _, _, _, got = first_run
    assert got[name]["error"] is None
    assert got[name]["rows"] == NAMED_ROWS[name][3]


@pytest.mark.parametrize("name", AS_LOADED)
def test_the_rows_are_those_that_load_dataset_gives(first_run, name) -> None:
    _, _, _, got = first_run
    assert got[name]["rows"] == got[name, "loaded"]["rows"]


@pytest.mark.parametrize("name", NAMED_ERRORS)
def test_an_error_says_what_was_found_and_what_to_do(first_run, name) -> None:
    _, _, _, got = first_run
    assert NAMED_ERRORS[name][3] in got[name]["error"]
    assert "\n" not in got[name]["error"]
    assert got[name]["rows"] == []


def test_a_connection_that_breaks_is_taken_up_where_it_broke(first_run) -> None:
    hub, _, _, got = first_run
    begins = hub.content_requests("breaking.parquet")
    assert begins[0] == 0
    assert 230_000 < begins[1] <= 300_000
    assert begins[1] < begins[2] == begins[3] <= begins[1] + 1000
    assert sum("broke at" in line for line in got["broken"]["told"]) == 3


def test_each_file_is_told_when_its_rows_are_asked_for(first_run) -> None:
    _, _, _, got = first_run
    told = [line.split(" (")[0] for name in ("ten", "parquet") for line in got[name]["told"]]
    assert told == [
        "fetching data/train-00000-of-00002.parquet",
        "fetching data/train-00001-of-00002.parquet",
    ]
    assert len(got["ten"]["told"]) == 1


def test_a_process_that_is_killed_goes_on_from_where_it_was(tmp_path) -> None:
    with HubServer() as hub:
        revision = hub.add("lab/one", ONE_FILE)
        asked = ["lab/one", revision, None, "train", COLUMNS, None]
        hub.faults["train.parquet"] = Faults(stalls_after=300_000)
        process = reader(hub.url, tmp_path)
        process.stdin.write(json.dumps(asked) + "\n")
        process.stdin.flush()
        assert hub.stalled.wait(60)
        until = time.monotonic() + 20
        while partly_here(tmp_path) < 230_000 and time.monotonic() < until:
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        here = partly_here(tmp_path)
        hub.faults.clear()
        (got,) = read(hub.url, tmp_path, [asked])
        begins = hub.content_requests("train.parquet")
    assert got["rows"] == wanted(FIRST)
    assert begins == [0, here]
    assert 230_000 < here <= 300_000
    assert "of it are here" in got["told"][0]
    assert partly_here(tmp_path) == 0


def partly_here(home: Path) -> int:
    """Bytes of files that are not whole yet."""
    return sum(file.stat().st_size for file in home.rglob("*.incomplete"))


@pytest.fixture(scope="module")
def second_run(first_run, tmp_path_factory):
    """The requests to the hub, and what a process got that has a token and a cache with damage."""
    hub, revisions, first_home, _ = first_run
    home = tmp_path_factory.mktemp("damaged") / "home"
    shutil.copytree(first_home, home, symlinks=True)
    for name in ("other/part.parquet", "train.csv"):
        (file,) = home.rglob(f"snapshots/*/{name}")
        content = file.read_bytes()
        file.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    asked = {
        "in LFS": ["lab/traces", revisions["traces"], "other", "train", COLUMNS, None],
        "in git": ["lab/table", revisions["table"], None, "train", COLUMNS, None],
        "gated": ["lab/gated", revisions["gated"], None, "train", COLUMNS, None],
        "closed": ["lab/closed", revisions["closed"], None, "train", COLUMNS, None],
    }
    asked |= {("again", name): asked[name] for name in ("in LFS", "in git")}
    before = len(hub.received)
    got = read(hub.url, home, list(asked.values()), HF_TOKEN=TOKEN)
    requests = [each for each in hub.received[before:] if "agent-harnesses" not in each.path]
    return requests, dict(zip(asked, got, strict=True))


def test_a_damaged_file_is_found_removed_and_fetched_anew(second_run) -> None:
    _, got = second_run
    assert "other/part.parquet is damaged: found " in got["in LFS"]["error"]
    assert "it was removed from the cache; run again to fetch it anew" in got["in LFS"]["error"]
    assert "train.csv is damaged: found " in got["in git"]["error"]
    assert got["again", "in LFS"]["rows"] == wanted(OTHER[1:])
    assert got["again", "in git"]["rows"] == TABLE


def test_with_a_token_gated_rows_come_and_only_the_hub_gets_the_token(second_run) -> None:
    requests, got = second_run
    assert got["gated"]["rows"] == wanted(FIRST)
    sent = {(request.host, request.authorization) for request in requests}
    assert sent == {("127.0.0.1", f"Bearer {TOKEN}"), ("localhost", "")}


def test_a_token_that_is_refused_is_not_repeated(second_run) -> None:
    _, got = second_run
    assert "refused a request with HF_TOKEN (HTTP 401); check" in got["closed"]["error"]
    assert TOKEN not in str(got)


def test_offline_what_is_in_the_cache_comes_and_the_rest_is_named(first_run) -> None:
    hub, revisions, home, _ = first_run
    before = len(hub.received)
    asked = [
        ["lab/traces", revisions["traces"], "main", "train", COLUMNS, None],
        ["lab/list", revisions["list"], None, "train", COLUMNS, None],
        ["lab/corrupt", revisions["corrupt"], None, "train", COLUMNS, None],
        ["lab/later", revisions["later"], None, "train", COLUMNS, None],
    ]
    got = read(hub.url, home, asked, HF_HUB_OFFLINE="1")
    assert [each["rows"] for each in got] == [wanted(FIRST + SECOND), SMALL, [], []]
    assert "corrupt.parquet is not in the cache" in got[2]["error"]
    assert "the list of its files is not in the cache" in got[3]["error"]
    assert "HF_HUB_OFFLINE is set; expected it there; run once without" in got[3]["error"]
    assert len(hub.received) == before


def test_when_the_hub_is_down_the_cache_is_enough_and_the_error_names_the_network(
    first_run,
) -> None:
    _, revisions, home, _ = first_run
    with HubServer() as gone:
        pass
    asked = [
        ["lab/traces", revisions["traces"], "main", "train", COLUMNS, None],
        ["lab/corrupt", revisions["corrupt"], None, "train", COLUMNS, None],
        ["lab/later", revisions["later"], None, "train", COLUMNS, None],
    ]
    got = read(gone.url, home, asked, "--hurry")
    assert got[0]["rows"] == wanted(FIRST + SECOND)
    for each in got[1:]:
        assert f"127.0.0.1:{gone.port} was not reached" in each["error"]
        assert "check the network and HF_ENDPOINT, and run again" in each["error"]


def test_another_revision_is_fetched_anew_and_the_problems_are_made_of_it(
    tmp_path, monkeypatch: pytest.MonkeyPatch
) -> None:
    params = {
        "kind": "hub",
        "dataset": "lab/sums",
        "config": None,
        "split": "train",
        "question": "problem",
        "answer": "answer",
        "id": None,
        "limit": 3,
    }
    store = HandMadeStore(tmp_path)
    shards = [
        as_parquet([{"problem": f"{seed} + {i}?", "answer": f"= #### {i}"} for i in range(3)])
        for seed in range(4)
    ]
    names = [f"data/train-{i:05}-of-00002.parquet" for i in range(2)]
    with HubServer() as hub:
        old = hub.add("lab/sums", dict(zip(names, shards[:2], strict=True)))
        new = hub.add("lab/sums", dict(zip(names, shards[2:], strict=True)))
        for name, text in environment(hub.url, tmp_path / "home").items():
            monkeypatch.setenv(name, text)
        made = [
            store.run("problems", {**params, "revision": revision}, own_process=True)
            for revision in (old, new)
        ]
    problems = [parquet.read_table(each.folder / "problems.parquet").to_pylist() for each in made]
    assert [each[0]["question"] for each in problems] == ["0 + 0?", "2 + 0?"]
    assert [each[2]["gold"] for each in problems] == ["2", "2"]
    assert [each.record["rows_in"] for each in made] == [3, 3]
    assert hub.content_requests(names[0]) == [0, 0]
    assert hub.content_requests(names[1]) == []


def test_a_models_download_goes_on_where_the_connection_broke(tmp_path) -> None:
    weights = random.Random(0).randbytes(13_000_000)
    command = """
        import sys
        from pathlib import Path
        from types import SimpleNamespace
        from cotdistil.models.hub import fetch
        work, staging = Path(sys.argv[2], "work"), Path(sys.argv[2], "staging")
        staging.mkdir()
        params = {"hub": "lab/model", "revision": sys.argv[1]}
        print(fetch(SimpleNamespace(params=params, work=work, staging=staging)))
    """
    with HubServer() as hub:
        files = {"config.json": b"{}", "model.safetensors": weights, "pytorch_model.bin": b"no"}
        revision = hub.add("lab/model", files, kind="models")
        hub.faults["model.safetensors"] = Faults(broken_after=[12_000_000])
        done = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(command), revision, str(tmp_path)],
            env=environment(hub.url, tmp_path / "home"),
            capture_output=True,
            text=True,
        )
        begins = hub.content_requests("model.safetensors")
    assert done.stdout == f"lab/model@{revision}\n", done.stderr
    assert sorted(file.name for file in (tmp_path / "staging").iterdir()) == sorted(files)[:2]
    assert (tmp_path / "staging" / "model.safetensors").read_bytes() == weights
    assert begins[0] == 0
    assert len(begins) == 2
    assert 10_000_000 < begins[1] <= 12_000_000
