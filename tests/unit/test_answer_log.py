"""Answers on disk: whole lines only, found by id, used again."""

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
from cotdistil.teaching.answer_log import LOG, AnswerArchive, AnswerLog, answer_id, known_logs

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
    archive = AnswerArchive([tmp_path / "a.jsonl", tmp_path / "b.jsonl"])
    assert archive.row(row(3)["id"]) == row(3)
    assert answer_id("another", 0) not in archive
    text = (tmp_path / "a.jsonl").read_bytes().replace(b'"text": "answer 1', b'"text": answer 1 ')
    (tmp_path / "a.jsonl").write_bytes(text)
    with pytest.raises(UserError, match=r"a\.jsonl: the line at byte 0 is damaged"):
        archive.row(row(1)["id"])
    archive.close()


def test_logs_of_finished_killed_and_deleted_jobs(tmp_path):
    assert known_logs(tmp_path, "rows", "mine") == []
    for place in ("responses/finished", "work/killed", "work/finished"):
        (tmp_path / place).mkdir(parents=True)
        (tmp_path / place / LOG).touch()
    for other in ("finished", "killed", "deleted"):
        known_logs(tmp_path, "rows", other)
    found = known_logs(tmp_path, "rows", "mine")
    assert found == [tmp_path / "responses/finished" / LOG, tmp_path / "work/killed" / LOG]
    assert known_logs(tmp_path, "other rows", "mine") == []


def test_an_id_is_of_the_question_and_the_sample_alone():
    assert answer_id("2 + 2?", 0) == answer_id("2 + 2?", 0)
    assert len({answer_id("2 + 2?", 0), answer_id("2 + 2?", 1), answer_id("2 + 3?", 0)}) == 3
    assert json.loads(json.dumps({"id": answer_id("é", 12)}))["id"].endswith("#12")
