"""Confidence intervals: what they promise, and that they keep it in simulations."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from cotdistil.statistics import Estimate, mean_interval, mean_of_benchmarks, paired_difference

K = st.integers(1, 16)


@st.composite
def shares(draw, n=None):
    """Shares of k correct samples, shape (n,), and k."""
    k = draw(K)
    size = draw(st.integers(1, 40)) if n is None else n
    counts = draw(st.lists(st.integers(0, k), min_size=size, max_size=size))
    return np.array(counts) / k, k


def width(estimate: Estimate) -> float:
    return estimate.high - estimate.low


@given(st.integers(1, 200), st.data(), st.sampled_from([0.8, 0.95, 0.99]))
@settings(max_examples=40, deadline=None)
def test_with_one_sample_per_question_it_is_the_wilson_interval_of_scipy(n, data, level):
    correct = data.draw(st.integers(0, n))
    found = mean_interval([1.0] * correct + [0.0] * (n - correct), 1, level)
    expected = stats.binomtest(correct, n).proportion_ci(level, method="wilson")
    assert found.value == pytest.approx(correct / n)
    assert found[1:] == pytest.approx((expected.low, expected.high), abs=1e-12)


@given(shares())
@settings(max_examples=50, deadline=None)
def test_an_interval_holds_the_mean_stays_within_0_and_1_and_is_never_a_point(case):
    x, k = case
    found = mean_interval(x, k)
    assert found.value == pytest.approx(x.mean())
    assert 0 <= found.low <= found.value <= found.high <= 1
    assert width(found) > 0.001
    mirrored = mean_interval(1 - x, k)
    assert mirrored == pytest.approx((1 - found.value, 1 - found.high, 1 - found.low))


@given(shares())
@settings(max_examples=50, deadline=None)
def test_k_samples_of_a_question_are_worth_between_one_and_k_questions(case):
    x, k = case
    pooled = mean_interval(np.repeat(x, k), 1)  # as if all n*k samples were independent
    assert width(pooled) <= width(mean_interval(x, k)) + 1e-12
    assert width(mean_interval(x, k)) <= width(mean_interval(x, 1)) + 1e-12


@given(st.integers(1, 20), st.integers(1, 20), st.integers(2, 16))
@settings(max_examples=40, deadline=None)
def test_samples_that_always_agree_within_a_question_narrow_nothing(right, wrong, k):
    x = [1.0] * right + [0.0] * wrong
    assert mean_interval(x, k) == pytest.approx(mean_interval(x, 1))
    spread = [right / (right + wrong)] * len(x)  # the same mean, and every question alike
    assert width(mean_interval(spread, k)) < width(mean_interval(x, k))


@given(st.integers(5, 40), st.sampled_from([2, 4]))
@settings(max_examples=20, deadline=None)
def test_questions_that_are_all_alike_count_as_n_times_k_and_never_as_more(n, k):
    pooled = stats.binomtest(n * k // 2, n * k).proportion_ci(method="wilson")
    assert mean_interval([0.5] * n, k)[1:] == pytest.approx((pooled.low, pooled.high))


@given(st.integers(1, 30).flatmap(lambda n: st.tuples(shares(n), shares(n))))
@settings(max_examples=50, deadline=None)
def test_swapping_the_arms_negates_the_paired_difference(case):
    (a, _), (b, _) = case
    found, swapped = paired_difference(a, b), paired_difference(b, a)
    assert found.value == pytest.approx(float((a - b).mean()))
    assert swapped == pytest.approx((-found.value, -found.high, -found.low))
    assert -1 <= found.low <= found.value <= found.high <= 1
    assert width(found) > 0.001


@given(shares())
@settings(max_examples=40, deadline=None)
def test_identical_answers_have_a_difference_of_0_that_is_still_uncertain(case):
    x, _ = case
    found = paired_difference(x, x)
    assert found.value == 0
    assert found.low < 0 < found.high


@given(st.integers(0, 20), st.integers(0, 20), st.integers(1, 40))
@settings(max_examples=40, deadline=None)
def test_with_one_sample_per_question_the_difference_is_agresti_and_mins(gained, lost, same):
    # Statistics in Medicine 24 (2005): half a pair in each cell of the 2 x 2 table.
    n = gained + lost + same
    a = np.array([1.0] * gained + [0.0] * lost + [1.0] * same)
    b = np.array([0.0] * gained + [1.0] * lost + [1.0] * same)
    b_star, c_star, n_star = gained + 0.5, lost + 0.5, n + 2
    centre = (b_star - c_star) / n_star
    error = np.sqrt(b_star + c_star - (b_star - c_star) ** 2 / n_star) / n_star
    z = stats.norm.ppf(0.975)
    low = min(max(-1, centre - z * error), (gained - lost) / n)
    high = max(min(1, centre + z * error), (gained - lost) / n)
    assert paired_difference(a, b) == pytest.approx(((gained - lost) / n, low, high))


def test_pairing_narrows_the_difference_of_arms_that_solve_the_same_questions():
    easy_or_hard = np.repeat([1.0, 0.0], 50)
    better = easy_or_hard.copy()
    better[50:55] = 1.0
    apart = np.roll(better, 50)
    assert width(paired_difference(better, easy_or_hard)) < 0.15
    assert width(paired_difference(apart, easy_or_hard)) > 0.3


@given(st.lists(shares().map(lambda case: mean_interval(*case)), min_size=1, max_size=6))
@settings(max_examples=40, deadline=None)
def test_a_mean_over_benchmarks_weighs_them_alike_and_holds_its_value(estimates):
    found = mean_of_benchmarks(estimates)
    assert found.value == pytest.approx(np.mean([each.value for each in estimates]))
    assert found.low <= found.value <= found.high
    assert mean_of_benchmarks(estimates[:1]) == pytest.approx(estimates[0])
    # Independent benchmarks alike: the error falls with the square root of their number.
    four = mean_of_benchmarks(estimates[:1] * 4)
    assert width(four) == pytest.approx(width(estimates[0]) / 2)


def answers(rng, repetitions: int, n: int, k: int, p: float, concentration: float) -> np.ndarray:
    """Shares correct, shape (repetitions, n): questions differ in difficulty around p."""
    difficulty = rng.beta(concentration * p, concentration * (1 - p), (repetitions, n))
    return rng.binomial(k, difficulty) / k


def coverage(intervals: list[Estimate], truth: float) -> float:
    return float(np.mean([each.low <= truth <= each.high for each in intervals]))


@pytest.mark.parametrize(
    ("n", "k", "p"), [(30, 1, 0.3), (30, 16, 0.02), (100, 4, 0.6), (200, 8, 0.9), (30, 16, 0.5)]
)
def test_an_interval_covers_the_true_accuracy_as_often_as_it_says(n, k, p):
    x = answers(np.random.default_rng([n, k]), 1500, n, k, p, concentration=1.5)
    assert 0.93 <= coverage([mean_interval(row, k) for row in x], p) <= 0.99


def test_counting_samples_as_questions_would_cover_far_too_seldom():
    x = answers(np.random.default_rng(1), 1000, 30, 16, 0.5, concentration=1.5)
    pooled = [mean_interval(np.repeat(row, 16), 1) for row in x]
    assert coverage(pooled, 0.5) < 0.6


@pytest.mark.parametrize(("n", "k"), [(10, 1), (30, 4), (200, 1)])
def test_a_difference_covers_the_true_one_as_often_as_it_says(n, k):
    rng = np.random.default_rng([n, k])
    base = rng.beta(1.0, 1.0, (1500, n))
    a = rng.binomial(k, base**0.5) / k  # mean 2/3, on the same questions
    b = rng.binomial(k, base) / k
    found = [paired_difference(*row) for row in zip(a, b, strict=True)]
    assert 0.93 <= coverage(found, 2 / 3 - 1 / 2) <= 0.985


def test_a_mean_over_benchmarks_covers_the_true_mean_as_often_as_it_says():
    rng = np.random.default_rng(5)
    parts = [answers(rng, 1000, n, 4, p, 1.5) for n, p in ((30, 0.05), (60, 0.4), (100, 0.8))]
    found = [
        mean_of_benchmarks([mean_interval(row, 4) for row in rows])
        for rows in zip(*parts, strict=True)
    ]
    assert 0.93 <= coverage(found, (0.05 + 0.4 + 0.8) / 3) <= 0.985


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: mean_interval([], 1), "at least one question"),
        (lambda: mean_interval([[0.5]], 1), r"shape \(1, 1\)"),
        (lambda: mean_interval([1.2], 1), r"outside \[0, 1\]"),
        (lambda: mean_interval([float("nan")], 1), r"outside \[0, 1\]"),
        (lambda: mean_interval([0.5], 0), "k is 0"),
        (lambda: mean_interval([0.5], 1, level=95), "between 0 and 1"),
        (lambda: paired_difference([1, 0], [1]), "2 and 1 questions"),
        (lambda: mean_of_benchmarks([]), "no estimates"),
    ],
)
def test_what_is_no_share_per_question_is_refused(call, said):
    with pytest.raises(ValueError, match=said):
        call()
