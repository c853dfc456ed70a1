"""Answers on disk: whole lines only, found by id, used again."""

import contextlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cotdistil.errors import UserError
from cotdistil.teaching.answer_log import (
    LOG,
    AnswerArchive,
    AnswerLog,
    answer_id,
    open_known_logs,
)

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"


def row(number, **more):
    return {"id": answer_id(f"question {number}", 0), "text": f"answer {number}\u2028\n", **more}


def write(path, rows):
    with AnswerLog(path) as log:
        for each in rows:
            log.append(each)


def test_every_answer_is_found_again_by_its_id(tmp_path):
    path = tmp_path / LOG
    write(path, [row(1), row(2)])
    with AnswerLog(path) as log:
        assert len(log) == 2
        assert log.row(row(2)["id"]) == row(2)
        log.append(row(3))
        assert [each["text"] for each in log.rows()] == [f"answer {i}\u2028\n" for i in (1, 2, 3)]
        assert log.damaged == 0


def test_an_answer_stands_there_once(tmp_path):
    with AnswerLog(tmp_path / LOG) as log:
        log.append(row(1))
        with pytest.raises(ValueError, match="already"):
            log.append(row(1))


@given(st.integers(0, 200))
def test_wherever_a_kill_cuts_the_file_its_whole_lines_are_kept(cut):
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / LOG
        write(path, [row(1), row(2)])
        whole = path.read_bytes()
        path.write_bytes(whole[:cut])
        kept = whole[:cut].count(b"\n")
        with AnswerLog(path) as log:
            assert len(log) == kept
            assert log.damaged == (not whole[:cut].endswith(b"\n") and 0 < cut < len(whole))
            for number in (1, 2)[kept:]:
                log.append(row(number))
        assert path.read_bytes() == whole


def test_damaged_lines_are_taken_out_and_the_others_stay(tmp_path):
    path = tmp_path / LOG
    write(path, [row(1), row(2), row(3)])
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(lines[0] + b"\0" * 30 + b"\n" + lines[1][:10] + b"\n" + lines[2])
    with AnswerLog(path) as log:
        assert log.damaged == 2
        assert [each["text"] for each in log.rows()] == [row(1)["text"], row(3)["text"]]
        log.append(row(2))
    with AnswerLog(path) as log:
        assert (len(log), log.damaged) == (3, 0)


def test_what_was_appended_survives_a_kill_at_once(tmp_path):
    program = (
        "import sys, time; from pathlib import Path\n"
        "from cotdistil.teaching.answer_log import AnswerLog\n"
        "with AnswerLog(Path(sys.argv[1])) as log:\n"
        "    for i in range(50): log.append({'id': f'{i:020x}#0'})\n"
        "    print('done', flush=True); time.sleep(60)\n"
    )
    path = tmp_path / LOG
    process = subprocess.Popen(
        [sys.executable, "-c", program, str(path)],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(SCRIPTS)},
    )
    process.stdout.readline()
    process.send_signal(signal.SIGKILL)
    process.wait()
    with AnswerLog(path) as log:
        assert (len(log), log.damaged) == (50, 0)


def test_an_archive_finds_answers_in_several_logs_and_says_where_one_is_damaged(tmp_path):
    write(tmp_path / "a.jsonl", [row(1), row(2)])
    write(tmp_path / "b.jsonl", [row(2), row(3)])
    archive = AnswerArchive((tmp_path / name).open("rb") for name in ("a.jsonl", "b.jsonl"))
    assert archive.row(row(3)["id"]) == row(3)
    assert answer_id("another", 0) not in archive
    text = (tmp_path / "a.jsonl").read_bytes().replace(b'"text": "answer 1', b'"text": answer 1 ')
    (tmp_path / "a.jsonl").write_bytes(text)
    with pytest.raises(UserError, match=r"a\.jsonl: the line at byte 0 is damaged"):
        archive.row(row(1)["id"])
    archive.close()


def known_logs(store, own_key, answers="rows", shard=0, shards=1):
    params = {"answers": answers, "shard": shard, "shards": shards}
    with contextlib.ExitStack() as open_files:
        logs = open_known_logs(store, "responses", own_key, params)
        found = [open_files.enter_context(log) for log in logs]
        return [str(Path(log.name).parent.relative_to(store)) for log in found]


def make_logs(store, *places):
    for place in places:
        (store / place).mkdir(parents=True)
        (store / place / LOG).touch()


def test_logs_of_finished_killed_and_deleted_jobs(tmp_path):
    assert known_logs(tmp_path, "mine") == []
    make_logs(tmp_path, "responses/finished", "work/killed")
    for other in ("finished", "killed", "deleted"):
        known_logs(tmp_path, other)
    assert known_logs(tmp_path, "mine") == ["responses/finished", "work/killed"]
    assert known_logs(tmp_path, "mine", answers="other rows") == []


def test_a_log_that_is_published_while_it_is_looked_for_is_found(tmp_path, monkeypatch):
    make_logs(tmp_path, "work/ending")
    known_logs(tmp_path, "ending")
    open_now = Path.open

    def publish_first(path, *arguments, **more):
        if path == tmp_path / "work/ending" / LOG:
            (tmp_path / "responses").mkdir()
            (tmp_path / "work/ending").rename(tmp_path / "responses/ending")
        return open_now(path, *arguments, **more)

    monkeypatch.setattr(Path, "open", publish_first)
    assert known_logs(tmp_path, "mine") == ["responses/ending"]


def test_only_logs_that_may_hold_the_same_questions_are_read(tmp_path):
    shards = [("a", 0, 2), ("b", 1, 2), ("c", 1, 4), ("d", 2, 3), ("whole", 0, 1)]
    for key, shard, of in shards:
        make_logs(tmp_path, f"responses/{key}")
        known_logs(tmp_path, key, shard=shard, shards=of)
    found = known_logs(tmp_path, "mine", shard=3, shards=4)
    assert found == ["responses/b", "responses/d", "responses/whole"]
    for key, shard, of in shards:
        shared = {n for n in range(100) if n % of == shard and n % 4 == 3}
        assert (f"responses/{key}" in found) == bool(shared)


def test_an_id_is_of_the_question_and_the_sample_alone():
    assert answer_id("2 + 2?", 0) == answer_id("2 + 2?", 0)
    assert len({answer_id("2 + 2?", 0), answer_id("2 + 2?", 1), answer_id("2 + 3?", 0)}) == 3
    assert json.loads(json.dumps({"id": answer_id("é", 12)}))["id"].endswith("#12")


def test_a_log_that_an_artefact_shares_grows_apart_from_it(tmp_path: Path) -> None:
    made, work = tmp_path / "made", tmp_path / "work"
    with AnswerLog(made) as log:
        log.append({"id": "aa#0"})
    work.hardlink_to(made)
    before = made.read_bytes()
    with AnswerLog(work) as log:
        log.append({"id": "bb#0"})
    assert made.read_bytes() == before
    assert work.read_bytes().startswith(before)
