"""What a recipe makes of corpora: which traces, in what shares, and that none is lost."""

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from build_training_set import keep_size, mix, ranked_problems, share_out, take_correct
from cotdistil.errors import UserError

WEIGHTS = st.lists(st.floats(0.01, 10.0), min_size=1, max_size=5)


def part(source, ids):
    return pd.DataFrame(
        [
            {
                "problem_id": i,
                "question": f"q{i}",
                "gold": "1",
                "response": source,
                "source": source,
            }
            for i in ids
        ]
    )


@given(st.integers(0, 500), WEIGHTS)
def test_shares_add_up_and_are_within_one_of_exact(count, weights):
    shares = share_out(count, weights)
    assert sum(shares) == count
    total = sum(weights)
    assert all(
        abs(share - count * weight / total) < 1 + 1e-9
        for share, weight in zip(shares, weights, strict=True)
    )


def test_a_mix_of_one_to_four_has_exactly_a_fifth_long_traces_and_one_trace_per_problem():
    ids = [f"p{i}" for i in range(50)]
    rows, dropped = mix([part("long", ids), part("short", ids)], [0.2, 0.8], seed=0)
    assert rows["source"].value_counts().to_dict() == {"short": 40, "long": 10}
    assert list(rows["problem_id"]) == ids
    assert dropped == {"problem not in every part": 0, "another part answers the problem": 50}


@given(
    st.sets(st.integers(0, 30), min_size=1),
    st.sets(st.integers(0, 30), min_size=1),
    st.integers(0, 5),
)
def test_a_mix_accounts_for_every_row_of_its_parts(left, right, seed):
    parts = [part("a", sorted(map(str, left))), part("b", sorted(map(str, right)))]
    if not left & right:
        with pytest.raises(UserError, match="no problem in common"):
            mix(parts, [0.5, 0.5], seed)
        return
    rows, dropped = mix(parts, [0.5, 0.5], seed)
    assert set(rows["problem_id"]) == set(map(str, left & right))
    assert len(left) + len(right) == len(rows) + sum(dropped.values())


def test_a_small_change_of_a_weight_moves_few_problems():
    ids = [f"p{i}" for i in range(100)]
    parts = [part("long", ids), part("short", ids)]
    before, _ = mix(parts, [0.2, 0.8], seed=0)
    after, _ = mix(parts, [0.25, 0.75], seed=0)
    assert (before["source"] != after["source"]).sum() == 5


def test_another_seed_chooses_other_problems():
    ids = [f"p{i}" for i in range(100)]
    assert ranked_problems(ids, 0) != ranked_problems(ids, 1)
    assert sorted(ranked_problems(ids, 1)) == sorted(ids)


@given(st.integers(1, 20), st.integers(1, 20))
def test_a_smaller_size_is_a_subset_of_a_larger_one(small, large):
    small, large = sorted((small, large))
    rows = part("a", [f"p{i}" for i in range(20)])
    few, left_out = keep_size(rows, small, seed=3)
    many, _ = keep_size(rows, large, seed=3)
    assert set(few["problem_id"]) <= set(many["problem_id"])
    assert len(few) == small
    assert left_out == 20 - small


def test_a_size_beyond_what_is_there_is_an_error_with_both_numbers():
    with pytest.raises(UserError, match="only 3 traces are left; 'size' asks for 5"):
        keep_size(part("a", "abc"), 5, seed=0)


def test_taking_a_corpus_keeps_the_first_correct_trace_of_each_problem():
    traces = pd.DataFrame(
        {
            "problem_id": ["x", "x", "x", "y", "z"],
            "sample_index": [0, 2, 1, 0, 0],
            "correct": [False, True, True, True, None],
            "response": ["no", "later", "first", "yes", "?"],
        }
    )
    rows, dropped = take_correct(traces, "corpus")
    assert list(rows["response"]) == ["first", "yes"]
    assert dropped == {"not correct": 2, "problem has a trace already": 1}
    assert set(rows["source"]) == {"corpus"}
