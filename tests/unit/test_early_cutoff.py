"""What was made of inputs with the same content is taken over, not made again."""

import json
import shutil

import pandas as pd
import pytest

from cotdistil.early_cutoff import content_digest
from hand_made_store import HandMadeStore

PARAMS = {
    "fallback": [],
    "relative_tolerance": None,
    "score_truncated": False,
    "timeout_seconds": 2.0,
    "algebra": True,
}


@pytest.fixture
def store(tmp_path):
    return HandMadeStore(tmp_path)


def make_samples(store, label, answer="4", with_content=True):
    folder = store.artefact("samples", label)
    row = {"problem_id": "p", "question": "2 + 2?", "gold": "4", "sample_index": 0}
    row |= {"response": rf"\boxed{{{answer}}}", "token_count": 5, "finish_reason": "stop"}
    pd.DataFrame([row]).to_parquet(folder / "samples.parquet")
    record = {"content": content_digest(folder)} if with_content else {}
    (folder / "record.json").write_text(json.dumps(record))
    return folder


def score(store, samples, **changed):
    made = store.run("scores", PARAMS | changed, {"samples": samples})
    assert made.status == 0, made.text
    return made


def verdict(scored):
    return pd.read_parquet(scored.folder / "scores.parquet")["correct"][0]


def test_the_same_bytes_under_another_key_are_linked_and_the_record_says_from_where(store):
    first = score(store, make_samples(store, "before"))
    second = score(store, make_samples(store, "after"))
    assert first.folder != second.folder
    assert second.record["same_as"] == f"scores/{first.folder.name}"
    assert second.record["key"] == second.folder.name
    assert second.record["rows_out"] == first.record["rows_out"]
    names = [(made.folder / "scores.parquet") for made in (first, second)]
    assert names[0].read_bytes() == names[1].read_bytes()
    assert names[0].samefile(names[1])
    third = score(store, make_samples(store, "later"))
    assert third.record["same_as"] == f"scores/{first.folder.name}"


@pytest.mark.parametrize("changed", [{"fallback": ["last_number"]}, {"algebra": False}])
def test_another_value_is_another_artefact(store, changed):
    score(store, make_samples(store, "before"))
    assert "same_as" not in score(store, make_samples(store, "after"), **changed).record


def test_other_bytes_are_other_inputs(store):
    score(store, make_samples(store, "before"))
    other = score(store, make_samples(store, "after", answer="5"))
    assert "same_as" not in other.record


def test_inputs_whose_content_is_not_known_are_never_equal(store):
    score(store, make_samples(store, "before", with_content=False))
    again = score(store, make_samples(store, "after", with_content=False))
    assert "same_as" not in again.record


def test_what_was_deleted_is_made_again(store):
    first = score(store, make_samples(store, "before"))
    (first.folder / "record.json").unlink()
    assert "same_as" not in score(store, make_samples(store, "after")).record


def test_an_artefact_that_was_made_again_of_other_inputs_is_not_taken_for_what_it_was(store):
    samples = make_samples(store, "before")
    first = score(store, samples)
    shutil.rmtree(first.folder)
    make_samples(store, "before", answer="5")
    assert not verdict(score(store, samples))
    second = score(store, make_samples(store, "after"))
    assert "same_as" not in second.record
    assert verdict(second)


def test_an_artefact_whose_files_were_changed_in_place_is_not_taken(store):
    first = score(store, make_samples(store, "before"))
    with (first.folder / "scores.parquet").open("ab") as file:
        file.write(b"more")
    second = score(store, make_samples(store, "after"))
    assert "same_as" not in second.record
    assert "are not what they were; this one is made anew" in second.text
    assert len(pd.read_parquet(second.folder / "scores.parquet")) == 1


def test_an_artefact_that_was_taken_over_is_there_for_others_when_the_first_is_deleted(store):
    first = score(store, make_samples(store, "before"))
    score(store, make_samples(store, "after"))
    shutil.rmtree(first.folder)
    assert "same_as" in score(store, make_samples(store, "later")).record


def test_deleting_one_of_two_equal_artefacts_leaves_the_other_whole(store):
    first = score(store, make_samples(store, "before"))
    second = score(store, make_samples(store, "after"))
    for file in first.folder.iterdir():
        file.unlink()
    assert len(pd.read_parquet(second.folder / "scores.parquet")) == 1


def test_the_name_of_a_file_counts_and_the_records_do_not(tmp_path):
    (tmp_path / "a").write_text("text")
    before = content_digest(tmp_path)
    (tmp_path / "record.json").write_text("{}")
    assert content_digest(tmp_path) == before
    (tmp_path / "a").rename(tmp_path / "b")
    assert content_digest(tmp_path) != before
