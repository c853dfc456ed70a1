"""What every command does at its start and at its end, and what a person reads when it cannot."""

import errno
import hashlib
import json
import sys
from pathlib import Path

import pytest

from cotdistil.code_version import code_version
from cotdistil.errors import UserError
from cotdistil.job import run_job

KEY, PARENT = "0123456789abcdef0123", "samples/aaaaaaaaaaaaaaaaaaaa"


class Store:
    """A store with one parent artefact and the manifest of one job, made by hand."""

    def __init__(self, root: Path, **manifest):
        self.root = root
        self.out = root / manifest.get("stage", "scores") / KEY / "record.json"
        self.work = root / "work" / KEY
        self.manifest = root / "manifests" / f"{KEY}.json"
        for path in (root / PARENT / "record.json", self.manifest):
            path.parent.mkdir(parents=True)
        (root / PARENT / "record.json").write_text("{}")
        content = {
            "stage": "scores",
            "params": {"relative_tolerance": None, "timeout_seconds": 2.0},
            "parents": {"samples": PARENT},
            "files": {},
            "code": code_version("scores"),
        }
        self.manifest.write_text(json.dumps(content | manifest))

    @property
    def arguments(self) -> list[str]:
        return ["--manifest", str(self.manifest), "--out", str(self.out), "--name", "small · long"]

    def job(self, *more: str):
        return run_job("A command.", [*self.arguments, *more])

    def run(self, body) -> None:
        with self.job() as job:
            body(job)

    def record(self) -> dict:
        return json.loads(self.out.read_text())


@pytest.fixture(autouse=True)
def _environment_as_before(monkeypatch):
    for name in ("OMP_NUM_THREADS", "OMP_WAIT_POLICY"):
        monkeypatch.setenv(name, "")


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "store")


@pytest.fixture
def error_of(capsys):
    """Run a job that fails; its message, which must be one line, on both streams."""

    def run(store: Store, body=lambda job: None) -> str:
        capsys.readouterr()
        with pytest.raises(SystemExit) as stopped:
            store.run(body)
        assert stopped.value.code == 1
        captured = capsys.readouterr()
        # The log of a rule takes the one, the terminal the other.
        assert captured.err == captured.out
        assert captured.err.count("\n") == 1
        assert captured.err.startswith("error: small · long: ")
        assert not store.out.exists()
        return captured.err.removeprefix("error: small · long: ").strip()

    return run


def write(text):
    return lambda job: (job.staging / "scores.txt").write_text(text)


# --- what a command is handed ---------------------------------------------------------------------


def test_a_command_gets_its_params_its_parents_and_its_folders_from_the_manifest(store):
    with store.job("--threads", "3", "--gpus", "1") as job:
        assert job.params == {"relative_tolerance": None, "timeout_seconds": 2.0}
        assert job.parent("samples") == store.root / PARENT
        assert (job.threads, job.gpus) == (3, 1)
        assert job.work.is_dir()
        assert list(job.staging.iterdir()) == []
        job.publish({})


def test_parents_in_a_role_of_several_come_in_the_order_of_the_plan(tmp_path):
    addresses = ["samples/" + letter * 20 for letter in "cab"]
    store = Store(tmp_path / "store", parents={"scores": addresses})
    for address in addresses:
        (store.root / address).mkdir(exist_ok=True)
        (store.root / address / "record.json").write_text("{}")
    with store.job() as job:
        assert job.parent_list("scores") == [store.root / address for address in addresses]


# --- publishing -----------------------------------------------------------------------------------


def test_what_is_published_is_the_payload_and_a_record_with_counts_cost_and_versions(store):
    with store.job("--gpus", "2") as job:
        write("new")(job)
        job.publish({"rows_in": 3, "rows_out": 2, "dropped": {"too long": 1}})
    assert (store.out.parent / "scores.txt").read_text() == "new"
    record = store.record()
    assert (record["stage"], record["key"]) == ("scores", KEY)
    assert (record["rows_in"], record["rows_out"], record["dropped"]) == (3, 2, {"too long": 1})
    assert set(record["cost"]) == {"seconds", "cpu_seconds", "gpus", "peak_memory_mb"}
    assert record["cost"]["gpus"] == 2
    assert 0 < record["cost"]["peak_memory_mb"] < 1_000_000
    assert record["made_with"]["python"] == ".".join(map(str, sys.version_info[:3]))


def test_a_half_made_artefact_is_replaced_as_a_whole(store):
    store.out.parent.mkdir(parents=True)
    (store.out.parent / "left_over.txt").write_text("half")
    store.out.write_text("{}")
    with store.job() as job:
        write("new")(job)
        job.publish({})
    names = sorted(path.name for path in store.out.parent.iterdir())
    assert names == [".record.json", "record.json", "scores.txt"]


def test_a_record_that_cannot_be_written_leaves_the_older_artefact_as_it_was(store):
    store.out.parent.mkdir(parents=True)
    (store.out.parent / "scores.txt").write_text("old")
    store.out.write_text('{"older": true}')

    def fail(job):
        write("new")(job)
        job.publish({"rows": object()})

    with pytest.raises(TypeError):
        store.run(fail)
    assert store.record() == {"older": True}
    assert (store.out.parent / "scores.txt").read_text() == "old"


def test_an_output_that_is_not_the_artefacts_place_is_refused_and_nothing_is_deleted(
    store, tmp_path, capsys
):
    """The output's folder is cleared before an artefact appears: a slip must not clear another."""
    kept = tmp_path / "home" / "precious.txt"
    kept.parent.mkdir()
    kept.write_text("kept")
    arguments = ["--manifest", str(store.manifest), "--out", str(kept.parent / "record.json")]
    with pytest.raises(SystemExit), run_job("A command.", arguments) as job:
        job.publish({})
    assert "expected a path that ends in store/scores/" in capsys.readouterr().err
    assert kept.read_text() == "kept"


def test_an_artefact_that_is_whole_is_taken_over_by_restoring_its_record(store, capsys):
    with store.job() as job:
        write("whole")(job)
        job.publish({"rows": 1})
    record = store.record()
    store.out.unlink()  # what Snakemake does with the output of a job that it counts as unfinished
    with pytest.raises(SystemExit) as ended, store.job():
        pytest.fail("nothing is made again")
    assert not ended.value.code
    assert store.record() == record
    assert "already made; clean_store.py --remake" in capsys.readouterr().out


# --- what survives --------------------------------------------------------------------------------


def test_the_work_folder_survives_a_failure_and_is_removed_once_the_artefact_is_published(store):
    def fail(job):
        (job.work / "shard-0.jsonl").write_text("kept")
        write("half")(job)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        store.run(fail)
    assert not store.out.exists()
    with store.job() as job:
        assert (job.work / "shard-0.jsonl").read_text() == "kept"
        assert list(job.staging.iterdir()) == [], "half a payload is not taken over"
        write("whole")(job)
        job.publish({})
    assert not store.work.exists()
    assert [path.name for path in (store.root / "work").iterdir()] == ["locks"]
    assert (store.out.parent / "scores.txt").read_text() == "whole"


def test_a_fault_of_the_users_keeps_the_work_folder_too(store, error_of):
    def fail(job):
        (job.work / "shard-0.jsonl").write_text("kept")
        raise UserError("found no answers; expected some; look at the samples")

    assert error_of(store, fail) == "found no answers; expected some; look at the samples"
    assert (store.work / "shard-0.jsonl").read_text() == "kept"


def test_an_error_in_the_code_keeps_its_traceback(store, capsys):
    with pytest.raises(KeyError, match="surprise"):
        store.run(lambda job: {}["surprise"])
    assert capsys.readouterr().err == ""


# --- what stops a job -----------------------------------------------------------------------------


def test_a_manifest_that_is_not_there_is_one_clear_line(store, error_of):
    store.manifest.unlink()
    message = error_of(store)
    assert message.startswith(f"{store.manifest} is not there; it says what this job makes;")


def test_code_that_changed_since_the_plan_stops_the_job(tmp_path, error_of):
    store = Store(tmp_path / "store", code="7+0123456789ab")
    message = error_of(store)
    assert message.startswith(
        "the code of stage 'scores' changed after this job was planned: found"
    )
    assert f"found version {code_version('scores')}, planned 7+0123456789ab" in message
    assert "run snakemake again" in message
    assert not store.work.exists()


def test_the_code_of_the_variant_that_the_params_ask_for_is_checked(tmp_path, error_of):
    versions = {"file": code_version("problems", "file")}
    planned = {"stage": "problems", "params": {"kind": "file"}, "parents": {}}
    with Store(tmp_path / "right", **planned, code=versions["file"]).job() as job:
        assert job.stage == "problems"
    message = error_of(Store(tmp_path / "wrong", **planned, code="0+edited"))
    assert f"found version {versions['file']}, planned 0+edited" in message


def test_a_parent_that_is_not_made_stops_the_job(store, error_of):
    record = store.root / PARENT / "record.json"
    record.unlink()
    assert error_of(store).startswith(f"{record} is not there; it is an input of this job;")


@pytest.fixture
def with_local_file(tmp_path):
    """A store whose job reads a local file, and that file."""
    data = tmp_path / "data.jsonl"
    data.write_text('{"question": "1+1"}\n')
    sha256 = hashlib.sha256(data.read_bytes()).hexdigest()
    store = Store(tmp_path / "store", files={"problems": sha256})
    link = store.root / "files" / sha256
    link.parent.mkdir()
    link.symlink_to(data)
    return store, data


def test_a_local_file_that_is_as_planned_is_read(with_local_file):
    store, data = with_local_file
    with store.job() as job:
        assert job.source("problems").read_text() == data.read_text()


def test_a_local_file_that_changed_since_the_plan_stops_the_job(with_local_file, error_of):
    store, data = with_local_file
    data.write_text('{"question": "1+2"}\n')
    message = error_of(store, lambda job: job.source("problems"))
    assert message.startswith(f"{data} changed after this job was planned: its sha256 is")
    assert message.endswith("run snakemake again")


def test_a_local_file_that_is_gone_stops_the_job(with_local_file, error_of):
    store, data = with_local_file
    data.unlink()
    message = error_of(store, lambda job: job.source("problems"))
    assert message.startswith("the local file 'problems' (sha256 ")
    assert message.endswith("run snakemake again")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full, a device without room")
def test_a_full_disk_is_one_clear_line_and_keeps_the_work_folder(store, error_of):
    def fill(job):
        (job.work / "shard-0.jsonl").write_text("kept")
        with open("/dev/full", "w") as device:
            device.write("x")

    message = error_of(store, fill)
    assert message == f"no space left while writing {store.out}; free some and rerun"
    assert (store.work / "shard-0.jsonl").read_text() == "kept"


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_or_quota_names_the_file_where_the_system_does(store, error_of, number):
    def fail(job):
        raise OSError(number, "full", "results/x.parquet")

    message = error_of(store, fail)
    assert message == "no space left while writing results/x.parquet; free some and rerun"


def test_another_error_of_the_system_keeps_its_traceback(store, tmp_path):
    with pytest.raises(FileNotFoundError):
        store.run(lambda job: (tmp_path / "absent").read_text())


def test_without_a_name_messages_use_the_key(store, capsys):
    with pytest.raises(SystemExit), run_job("A command.", store.arguments[:4]):
        raise UserError("found nothing")
    assert capsys.readouterr().err == f"error: {KEY}: found nothing\n"
