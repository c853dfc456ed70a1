"""Which training problems screening removes, and which benchmark problems are held out."""

import random
import time
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cotdistil.screening.near_duplicates import near_duplicates, similarity
from cotdistil.screening.removed import Problem
from cotdistil.screening.screen import hold_out, screen
from real_data import real_rows

LONG = "Tom walks to the old market and buys a bag of apples for each of his friends there"


def problems(*questions):
    return [Problem(f"p{number}", question) for number, question in enumerate(questions)]


def removed(removals):
    return {removal.problem_id: removal.reason for removal in removals if removal}


def real_problems(name):
    rows = real_rows(f"problems/{name}.jsonl")
    column = "problem" if "problem" in rows[0] else "question"
    return [Problem(f"{name}-{row}", text[column]) for row, text in enumerate(rows)]


def test_each_problem_is_removed_for_its_strongest_reason_and_the_match_is_named():
    training = problems(
        f"{LONG}. How many did he buy in all, if he has 4 friends?",
        "What is $2+2$?",
        "what is 2 + 2",
        f"{LONG}. How many bags is that?",
        f"{LONG}. How many bags is this?",
        "What is $3+3$?",
        "What is $3-3$?",
    )
    benchmark = problems(f"{LONG}. How many apples?", "$3+3$ is what?", "What is 3+3")
    found = screen(
        training,
        [("first", problems("A question without any match")), ("second", benchmark)],
        ngram=13,
        similarity=0.6,
    )
    assert removed(found) == {
        "p0": "n-gram shared with a benchmark",
        "p2": "duplicate",
        "p3": "n-gram shared with a benchmark",
        "p4": "n-gram shared with a benchmark",
        "p5": "exact match with a benchmark",
        "p6": "exact match with a benchmark",
    }
    assert found[0][3:] == (
        *benchmark[0],
        "second",
        "tom walks to the old market and buys a bag of apples for",
    )
    assert found[2][3:] == (*training[1], "", "")
    assert found[5][3:] == (*benchmark[2], "second", "")
    without_ngrams = screen(training, [("second", benchmark)], None, 0.6)
    assert removed(without_ngrams) == {
        "p2": "duplicate",
        "p4": "near duplicate",
        "p5": "exact match with a benchmark",
        "p6": "exact match with a benchmark",
    }
    assert without_ngrams[4][3:] == (*training[3], "", "0.909")
    assert removed(screen(training, [], None, None)) == {"p2": "duplicate"}


def test_of_a_question_letters_and_digits_are_compared_with_a_benchmark_and_of_a_sum_every_sign():
    training = problems("What is $3-3$?", "What is \\(3 + 3\\)?", "Was ist 3+3?", "3 + 3 = ☐", "?")
    benchmark = problems("What is 3+3?", "!")
    reasons = removed(screen(training, [("b", benchmark)], None, None))
    assert set(reasons) == {"p0", "p1"}
    reasons = removed(screen(training, [("b", benchmark)], None, None, expressions=True))
    assert set(reasons) == {"p1"}
    assert [bool(each) for each in hold_out(benchmark, [("t", training)])] == [True, False]
    held_out = hold_out(benchmark, [("t", training[:1])], expressions=True)
    assert not any(held_out)


def test_questions_in_another_script_are_told_apart_by_their_letters():
    benchmark = [("b", problems("求这个三角形的面积。"))]
    found = screen(problems("求这个三角形的面积", "求这个圆的面积"), benchmark, None, None)
    assert set(removed(found)) == {"p0"}


def test_a_benchmark_question_shorter_than_n_words_is_found_by_an_exact_match_only():
    benchmark = [("b", problems("What is its area?"))]
    found = screen(problems(f"{LONG}. What is its area?", "what is its area"), benchmark, 5, None)
    assert removed(found) == {"p1": "exact match with a benchmark"}


def test_problems_that_differ_in_a_number_are_never_near():
    questions = (f"{LONG}, if he has {number} friends?" for number in (5, 6, "five", "six"))
    assert removed(screen(problems(*questions), [], None, 0.5)) == {
        "p2": "near duplicate",
        "p3": "near duplicate",
    }


def test_a_problem_near_to_one_that_was_removed_may_stay():
    words = LONG.split()
    chain = [" ".join([*words[: 18 - cut], "w" * cut]) for cut in (2, 4, 6)]
    assert removed(screen(problems(*chain), [], None, 0.75)) == {"p1": "near duplicate"}


VOCABULARY = st.sampled_from(["find", "the", "area", "sum", "of", "two", "$x$", "5", "6", "+", "-"])
QUESTIONS = st.lists(VOCABULARY, max_size=12).map(" ".join)
SETS = st.lists(QUESTIONS, max_size=12).map(lambda questions: problems(*questions))
THRESHOLDS = st.sampled_from([0.1, 0.3, 0.5, 0.55, 0.7, 0.8, 1.0])


@given(SETS, SETS, st.sampled_from([None, 1, 3, 6]), THRESHOLDS | st.none())
def test_what_is_left_after_screening_has_nothing_to_remove(training, benchmark, ngram, threshold):
    first = screen(training, [("b", benchmark)], ngram, threshold)
    left = [problem for problem, removal in zip(training, first, strict=True) if not removal]
    assert not removed(screen(left, [("b", benchmark)], ngram, threshold))


@given(SETS, SETS, SETS, st.sampled_from([None, 2, 5]), st.randoms(use_true_random=False))
def test_what_counts_as_contaminated_does_not_depend_on_any_order(one, two, training, n, shuffle):
    def contaminated(training, benchmarks):
        found = removed(screen(training, benchmarks, n, 0.5))
        return {who: why for who, why in found.items() if "benchmark" in why}

    benchmarks = [("one", one), ("two", two)]
    expected = contaminated(training, benchmarks)
    shuffled = [(name, shuffle.sample(each, len(each))) for name, each in reversed(benchmarks)]
    assert contaminated(shuffle.sample(training, len(training)), shuffled) == expected


@given(SETS, SETS)
def test_an_exact_match_is_one_from_either_side(left, right):
    def pairs(removals):
        return {(removal.question, removal.matched_question) for removal in removals if removal}

    forth, back = hold_out(left, [("r", right)]), hold_out(right, [("l", left)])
    assert {pair[0] for pair in pairs(forth)} >= {pair[1] for pair in pairs(back)}
    assert {pair[0] for pair in pairs(back)} >= {pair[1] for pair in pairs(forth)}
    screened = screen(left, [("r", right)], None, None)
    exact = [removal and removal.reason.startswith("exact") for removal in screened]
    assert list(map(bool, forth)) == list(map(bool, exact))
    held_out = [problem for problem, match in zip(left, forth, strict=True) if not match]
    assert not any(hold_out(held_out, [("r", right)]))


WORDS = st.lists(st.sampled_from("abcdef"), max_size=10).map(tuple)


@settings(max_examples=300)
@given(st.lists(st.tuples(WORDS, st.sampled_from("xy")), max_size=15), THRESHOLDS)
def test_near_duplicates_are_those_that_a_comparison_of_all_pairs_finds(texts, threshold):
    words, mathematics = [text for text, _ in texts], [block for _, block in texts]
    expected = {}
    for place in range(len(texts)):
        reached = {
            earlier: similarity(words[earlier], words[place])
            for earlier in range(place)
            if earlier not in expected and mathematics[earlier] == mathematics[place]
        }
        best = max(reached, key=reached.get, default=None)
        if best is not None and reached[best] >= threshold:
            expected[place] = (best, reached[best])
    assert near_duplicates(words, mathematics, threshold) == expected


def test_time_grows_no_faster_than_the_number_of_problems_where_none_has_numbers():
    draw = random.Random(0)
    vocabulary = [f"w{'abcdefghij'[n % 10]}{'x' * (n % 37)}" for n in range(300)]

    def seconds(count):
        words = [tuple(draw.choices(vocabulary, k=40)) for _ in range(count)]
        started = time.process_time()
        assert not near_duplicates(words, [""] * count, 0.8)
        return time.process_time() - started

    assert seconds(4000) < 12 * max(seconds(1000), 0.05)


@pytest.mark.parametrize(
    ("first", "second", "matches", "distinct"),
    [
        ("math_train_answers", "math_test", 9, 7500),
        ("math_train_answers", "math500", 1, 7500),
        ("gsm8k_train", "gsm8k_test", 0, 7473),
        ("math500", "math_test", 500, 500),
    ],
)
def test_the_same_problems_of_real_sets_are_found_in_both(first, second, matches, distinct):
    found = hold_out(real_problems(first), [(second, real_problems(second))])
    assert (sum(map(bool, found)), len(found)) == (matches, distinct)


def test_training_problems_that_differ_in_a_sign_alone_are_no_duplicates():
    found = removed(screen(real_problems("math_train_answers"), [], None, None))
    assert Counter(found.values()) == {"duplicate": 4}


def test_the_problems_that_real_traces_answer_are_held_out_of_their_benchmark():
    rows = real_rows("traces/mip_gsm8k_responses.jsonl")
    trained_on = [Problem(str(row["id"]), row["question"]) for row in rows]
    found = hold_out(real_problems("gsm8k_test"), [("traces", trained_on)])
    assert Counter(map(bool, found)) == {True: 582, False: 737}
