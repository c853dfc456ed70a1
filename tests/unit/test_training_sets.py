"""What a recipe makes of corpora: which traces, in what shares, and that none is lost."""

import pandas as pd
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from build_training_set import keep_size
from cotdistil.curation.mixing import assign_problems
from cotdistil.curation.ranking import ranked, share_out
from cotdistil.curation.selection import Filter, select
from cotdistil.errors import UserError
from hand_made_store import HandMadeStore
from tiny_model import make_tiny_tokenizer

WEIGHTS = st.lists(st.floats(0.01, 10.0), min_size=1, max_size=5)


# --- shares and sizes ---------------------------------------------------------------------------


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
    assigned, dropped = assign_problems([ids, ids], [0.2, 0.8], seed=0)
    assert [len(own) for own in assigned] == [10, 40]
    assert set.union(*assigned) == set(ids)
    assert dropped == {"problem not in every part": 0, "another part answers the problem": 50}


@given(
    st.sets(st.integers(0, 30), min_size=1),
    st.sets(st.integers(0, 30), min_size=1),
    st.integers(0, 5),
)
def test_a_mix_accounts_for_every_row_of_its_parts(left, right, seed):
    parts = [sorted(map(str, left)), sorted(map(str, right))]
    if not left & right:
        with pytest.raises(UserError, match="no problem in common"):
            assign_problems(parts, [0.5, 0.5], seed)
        return
    assigned, dropped = assign_problems(parts, [0.5, 0.5], seed)
    assert assigned[0] | assigned[1] == set(map(str, left & right))
    assert not assigned[0] & assigned[1]
    assert len(left) + len(right) == sum(map(len, assigned)) + dropped.total()


def test_a_small_change_of_a_weight_moves_few_problems():
    ids = [f"p{i}" for i in range(100)]
    before, _ = assign_problems([ids, ids], [0.2, 0.8], seed=0)
    after, _ = assign_problems([ids, ids], [0.25, 0.75], seed=0)
    assert len(before[0] ^ after[0]) == 5


def test_another_seed_chooses_other_problems():
    ids = [f"p{i}" for i in range(100)]
    assert ranked(ids, 0) != ranked(ids, 1)
    assert sorted(ranked(ids, 1)) == sorted(ids)


@given(st.integers(1, 20), st.integers(1, 20))
def test_a_smaller_size_is_a_subset_of_a_larger_one(small, large):
    small, large = sorted((small, large))
    rows = pd.DataFrame({"problem_id": [f"p{i // 2}" for i in range(40)]})
    few, left_out = keep_size(rows, small, seed=3)
    many, _ = keep_size(rows, large, seed=3)
    assert set(few["problem_id"]) <= set(many["problem_id"])
    assert few["problem_id"].nunique() == small
    assert left_out == 40 - 2 * small


def test_a_size_beyond_what_is_there_is_an_error_with_both_numbers():
    rows = pd.DataFrame({"problem_id": list("abc")})
    with pytest.raises(UserError, match="only 3 problems are left; 'size' asks for 5"):
        keep_size(rows, 5, seed=0)


# --- selection ----------------------------------------------------------------------------------

TRACES = pd.DataFrame(
    [
        # problem_id, sample_index, correct, complete, n_chars, response_tokens
        ("x", 0, False, True, 10, 5),
        ("x", 2, True, None, 80, 40),
        ("x", 1, True, True, 90, 45),
        ("y", 0, True, True, 300, 150),
        ("y", 1, True, False, 10, 5),
        ("z", 0, None, True, 10, 5),
        ("w", 0, True, True, 20, 10),
    ],
    columns=["problem_id", "sample_index", "correct", "complete", "n_chars", "response_tokens"],
).astype({"correct": object, "complete": object})


def taken(choose="first", keep=None, seed=0, removed=None, shared_with=()):
    rows, dropped = select(TRACES, keep or Filter(), choose, seed, removed or {}, list(shared_with))
    assert len(rows) + dropped.total() == len(TRACES)
    return [f"{row.problem_id}{row.sample_index}" for row in rows.itertuples()], dict(dropped)


def test_taking_a_corpus_keeps_the_first_correct_and_whole_trace_of_each_problem():
    rows, dropped = taken()
    assert rows == ["x1", "y0", "w0"]
    assert dropped == {
        "not correct": 1,
        "no verdict": 1,
        "not complete": 1,
        "another trace of the problem is chosen": 1,
    }


def test_the_shortest_all_or_one_at_random_can_be_chosen():
    assert taken("shortest")[0] == ["x2", "y0", "w0"]
    assert taken("all")[0] == ["x2", "x1", "y0", "w0"]
    chosen = {tuple(taken("random", seed=seed)[0]) for seed in range(20)}
    assert chosen == {("x1", "y0", "w0"), ("x2", "y0", "w0")}


def test_wrong_and_unfinished_traces_can_be_asked_for():
    rows, dropped = taken("all", Filter(correct_only=False))
    assert len(rows) == len(TRACES)
    assert dropped == {}


def test_traces_over_the_limit_are_left_out_before_one_is_chosen():
    rows, dropped = taken(keep=Filter(max_tokens=42))
    assert rows == ["x2", "w0"]
    assert dropped["over length"] == 2


def test_a_trace_over_the_limit_is_an_error_where_the_policy_says_so():
    with pytest.raises(UserError, match="problem 'x' has 45 tokens; the recipe's max_tokens is 42"):
        taken(keep=Filter(max_tokens=42, over_length="raise"))
    # One that is wrong anyway is none.
    taken(keep=Filter(max_tokens=150, over_length="raise"))


def test_no_trace_that_is_left_out_anyway_is_an_error_for_its_length():
    strict = Filter(max_tokens=42, over_length="raise")
    rows, _ = taken(keep=strict, removed={"x": "near duplicate", "y": "near duplicate"})
    assert rows == ["w0"]
    # Nor is one of another corpus, on a problem that is not taken here.
    long = TRACES.assign(response_tokens=1000 * (TRACES["problem_id"] == "y"))
    short = TRACES[TRACES["problem_id"] != "y"].assign(response_tokens=1)
    kept, _ = select(short, strict, "first", 0, {}, [long])
    assert set(kept["problem_id"]) == {"x", "w"}


@given(
    st.lists(st.tuples(st.sampled_from("abcd"), st.booleans(), st.integers(1, 60)), max_size=12),
    st.lists(st.tuples(st.sampled_from("abcd"), st.booleans(), st.integers(1, 60)), max_size=12),
    st.sampled_from(["first", "random", "shortest", "all"]),
    st.dictionaries(st.sampled_from("abcd"), st.just("near duplicate"), max_size=2),
)
def test_a_pair_of_recipes_has_the_same_problems(left, right, choose, removed):
    def corpus(rows):
        traces = pd.DataFrame(rows, columns=["problem_id", "correct", "response_tokens"])
        traces = traces.assign(sample_index=range(len(rows)), complete=None, n_chars=1)
        return traces.astype({"problem_id": object, "correct": object})

    pair = (corpus(left), corpus(right))
    keep = Filter(max_tokens=50)
    long, _ = select(pair[0], keep, choose, 0, removed, [pair[1]])
    short, _ = select(pair[1], keep, "first", 1, removed, [pair[0]])
    assert set(long["problem_id"]) == set(short["problem_id"])


def test_only_problems_that_every_other_corpus_solves_as_well_stay():
    other = TRACES.assign(correct=[True, False, False, True, False, True, False])
    rows, dropped = taken(shared_with=[other])
    assert rows == ["x1", "y0"]
    assert dropped["problem without such a trace in every corpus"] == 1


def test_screened_problems_are_dropped_with_the_reason_of_the_screening():
    rows, dropped = taken(removed={"x": "near duplicate", "w": "exact match with a benchmark"})
    assert rows == ["y0"]
    assert dropped["near duplicate"] == 3
    assert dropped["exact match with a benchmark"] == 1


@given(
    st.lists(
        st.tuples(
            st.sampled_from("abcd"),
            st.integers(0, 5),
            st.sampled_from([True, False, None]),
            st.sampled_from([True, False, None]),
            st.integers(0, 9),
        )
    ),
    st.sampled_from(["first", "random", "shortest", "all"]),
    st.dictionaries(st.sampled_from("abcd"), st.just("near duplicate"), max_size=2),
)
def test_no_row_is_lost_whatever_is_chosen(rows, choose, removed):
    traces = pd.DataFrame(
        rows, columns=["problem_id", "sample_index", "correct", "complete", "n_chars"]
    ).astype({"problem_id": object, "correct": object, "complete": object})
    kept, dropped = select(traces, Filter(), choose, 0, removed, [])
    assert len(kept) + dropped.total() == len(traces)
    assert not set(kept["problem_id"]) & set(removed)
    assert (kept["correct"] == True).all()  # noqa: E712
    if choose != "all":
        assert kept["problem_id"].is_unique


# --- the command --------------------------------------------------------------------------------

TAKE = {"kind": "take", "correct_only": True, "choose": "first", "size": None, "seed": 0}
TAKE |= {"max_tokens": None}


def make_corpus(store, label, correct):
    rows = [
        {
            "problem_id": f"p{i // 2}",
            "question": f"What is {i // 2}?",
            "gold": str(i // 2),
            "sample_index": i % 2,
            "response": f"{label} {i}",
            "correct": right,
            "complete": True,
            "n_chars": 10,
        }
        for i, right in enumerate(correct)
    ]
    folder = store.artefact("corpora", label)
    pd.DataFrame(rows).to_parquet(folder / "traces.parquet")
    return folder


def test_the_command_writes_chosen_rows_with_their_corpus_as_the_source(tmp_path):
    store = HandMadeStore(tmp_path)
    corpus = make_corpus(store, "long", [False, True, True, True, False, False])
    made = store.run("training_sets", TAKE, {"corpus": corpus})
    assert made.status == 0, made.text
    rows = pq.read_table(made.folder / "train.parquet").to_pylist()
    assert [row["response"] for row in rows] == ["long 1", "long 2"]
    [source] = {row["source"] for row in rows}
    assert made.record["sources"] == {source: f"corpora/{corpus.name}"}
    record = {name: made.record[name] for name in ("rows_in", "rows_out", "dropped")}
    assert record == {
        "rows_in": 6,
        "rows_out": 2,
        "dropped": {"not correct": 3, "another trace of the problem is chosen": 1},
    }


def test_responses_are_cut_to_whole_characters_and_marked_as_unfinished(tmp_path):
    store = HandMadeStore(tmp_path)
    corpus = store.artefact("corpora", "long")
    responses = ["It is \\boxed{7}", "It is \\boxed{17}.", "It is 1²³⁴", "short", "no end", None]
    traces = pd.DataFrame(
        {
            "problem_id": list("abcdef"),
            "question": "?",
            "gold": "7",
            "sample_index": 0,
            "response": ["No box." if text is None else text for text in responses],
            "correct": True,
            "complete": [True, True, None, True, False, None],
            "n_chars": 1,
        }
    ).astype({"complete": "boolean"})
    traces.to_parquet(corpus / "traces.parquet")
    model = make_tiny_tokenizer(store.artefact("models", "tiny"))
    tokens = store.artefact("token_counts", "tiny")
    lengths = [len(text.encode()) for text in traces["response"]]  # a token per byte
    traces.assign(response_tokens=lengths).to_parquet(tokens / "tokens.parquet")
    params = TAKE | {"correct_only": False, "max_tokens": 15, "over_length": "truncate"}
    parents = {"corpus": corpus, "tokens": tokens, "model": model}
    made = store.run("training_sets", params, parents)
    assert made.status == 0, made.text
    rows = pq.read_table(made.folder / "train.parquet").to_pylist()
    assert [(row["response"], row["unfinished"]) for row in rows] == [
        ("It is \\boxed{7}", False),
        ("It is \\boxed{17", True),
        ("It is 1²³⁴", False),
        ("short", False),
        ("no end", True),
        ("No box.", False),
    ]
    assert made.record["over_length"] == {"rows_truncated": 1, "tokens": 2, "answers": 1}
    made = store.run("training_sets", params | {"max_tokens": 10}, parents)
    cut = pq.read_table(made.folder / "train.parquet")["response"].to_pylist()
    assert cut[2] == "It is 1²"  # not the three bytes of ⁴, nor one of ³
    again = {"kind": "mix", "weights": [1.0], "size": None, "seed": 0}
    mixed = store.run("training_sets", again, {"parts": [made.folder]})
    marks = pq.read_table(mixed.folder / "train.parquet")["unfinished"].to_pylist()
    assert marks == [True, True, True, False, True, False]


def test_the_command_mixes_parts_and_keeps_their_sources(tmp_path):
    store = HandMadeStore(tmp_path)
    corpora = [make_corpus(store, label, [True] * 40) for label in ("long", "short")]
    parts = [store.run("training_sets", TAKE, {"corpus": corpus}).folder for corpus in corpora]
    params = {"kind": "mix", "weights": [0.25, 0.75], "size": 8, "seed": 0}
    made = store.run("training_sets", params, {"parts": parts})
    assert made.status == 0, made.text
    rows = pq.read_table(made.folder / "train.parquet").to_pylist()
    assert len({row["problem_id"] for row in rows}) == len(rows) == 8
    addresses = {made.record["sources"][row["source"]] for row in rows}
    assert addresses == {f"corpora/{corpus.name}" for corpus in corpora}
    assert made.record["rows_in"] == 40
    assert made.record["rows_out"] + sum(made.record["dropped"].values()) == 40


def test_a_training_set_without_a_row_says_what_was_dropped_and_what_to_do(tmp_path):
    store = HandMadeStore(tmp_path)
    corpus = make_corpus(store, "long", [True, True])
    screening = store.artefact("screening", "all")
    removed = {"problem_id": ["p0"], "reason": ["exact match with a benchmark"]}
    pd.DataFrame(removed).to_parquet(screening / "removed.parquet")
    made = store.run("training_sets", TAKE, {"corpus": corpus, "screening": screening})
    assert made.status == 1
    assert "no trace is left of 2" in made.text
    assert "'exact match with a benchmark': 2" in made.text
    assert "benchmarks.NAME.without" in made.text
