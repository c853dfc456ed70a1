"""Confidence intervals for avg@k accuracy and for paired differences of it, in closed form.

The questions are the sample: k responses to one question are not k independent observations, so
every interval here is over questions. Accuracies are shares in [0, 1].
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtri


class Estimate(NamedTuple):
    """A value and its confidence interval, all in the same unit."""

    value: float
    low: float
    high: float


def mean_interval(per_question: ArrayLike, k: int, level: float = 0.95) -> Estimate:
    """Accuracy over questions with a Wilson score interval at the effective sample size.

    `per_question`: share of the k samples of a question that are correct, shape (n,).
    The effective sample size is p(1 - p) / Var(mean) (Kish's design effect, in the Wilson interval
    as in Korn and Graubard 1998), between n and n·k. For k = 1 it is n: the Wilson interval itself.

    The design effect is taken with one pseudo-question added, half of it always right and half
    always wrong. Without it a single question solved by a few of its samples looks like n·k
    independent samples, and the coverage of a nominal 95 % interval falls to 85 % for n = 30,
    k = 16, p = 0.02; with it, n_eff is n where every answer is right or every answer is wrong.

    Raises ValueError if the shape, the range or k is wrong.
    """
    x = _shares(per_question)
    if k < 1:
        raise ValueError(f"k is {k}; expected at least 1")
    n, p = len(x), float(x.mean())
    p_prior = (n * p + 0.5) / (n + 1)
    variance_prior = (float(np.sum(x**2)) + 0.5) / (n + 1) - p_prior**2
    n_eff = n * min(max(p_prior * (1 - p_prior) / variance_prior, 1.0), float(k))

    z = _normal_quantile(level)
    shrink = 1 + z**2 / n_eff
    centre = (p + z**2 / (2 * n_eff)) / shrink
    half = z * np.sqrt(p * (1 - p) / n_eff + z**2 / (4 * n_eff**2)) / shrink
    return Estimate(
        p, float(max(0.0, min(centre - half, p))), float(min(1.0, max(centre + half, p)))
    )


def paired_difference(a: ArrayLike, b: ArrayLike, level: float = 0.95) -> Estimate:
    """Mean of a - b on the same questions, with an adjusted Wald interval.

    `a`, `b`: share of correct samples per question, shape (n,), in the same order of questions.
    For k = 1 this is Agresti and Min's interval for matched proportions (Statistics in Medicine
    24, 2005): two pseudo-questions are added, of which half a one is at +1, half a one at -1 and
    one at 0. The same is added for avg@k, so identical answers do not give a width of zero. The
    value stays the raw difference.

    The quantile is the normal one: the pseudo-questions already do for small n what Student's t
    would do (coverage at nominal 95 % is at least 93 % from n = 10), and t on top of them makes
    the interval too wide. It is conservative where two arms hardly ever differ.

    Raises ValueError if the shapes or ranges are wrong.
    """
    x, y = _shares(a), _shares(b)
    if len(x) != len(y):
        raise ValueError(f"{len(x)} and {len(y)} questions; expected the same questions in both")
    d = x - y
    n = len(d)
    value = float(d.mean())
    centre = n * value / (n + 2)
    variance = (float(np.sum(d**2)) + 1) / (n + 2) - centre**2
    half = _normal_quantile(level) * np.sqrt(variance / (n + 2))
    low, high = max(-1.0, centre - half), min(1.0, centre + half)
    return Estimate(value, float(min(low, value)), float(max(high, value)))


def mean_of_benchmarks(estimates: Sequence[Estimate]) -> Estimate:
    """Unweighted mean over benchmarks that share no questions; their variances are summed.

    `estimates`: accuracies, or paired differences, one per benchmark. The variances are recovered
    from the limits, the lower and the upper apart (MOVER, Zou and Donner, Statistics in Medicine
    27, 2008), so the interval is not symmetric where those of the benchmarks are not.

    Raises ValueError if there is none.
    """
    if not estimates:
        raise ValueError("no estimates; expected one per benchmark")
    value, low, high = np.asarray(estimates, dtype=float).T
    mean = float(value.mean())
    below = float(np.sqrt(np.sum((value - low) ** 2))) / len(value)
    above = float(np.sqrt(np.sum((high - value) ** 2))) / len(value)
    return Estimate(mean, mean - below, mean + above)


def _shares(per_question: ArrayLike) -> np.ndarray:
    x = np.asarray(per_question, dtype=float)
    if x.ndim != 1 or x.size == 0:
        raise ValueError(f"shape {x.shape}; expected (n,) with at least one question")
    if not np.all((x >= 0) & (x <= 1)):
        raise ValueError("a share outside [0, 1]; expected the share of correct samples")
    return x


def _normal_quantile(level: float) -> float:
    if not 0 < level < 1:
        raise ValueError(f"level {level}; expected a number between 0 and 1, for example 0.95")
    return float(ndtri((1 + level) / 2))
