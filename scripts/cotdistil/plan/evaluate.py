"""Samples and scores of an arm on a benchmark, and other opinions on the scores."""

from cotdistil.plan.builder import Builder, sampling
from cotdistil.plan.data import benchmark_problems
from cotdistil.plan.teach import engine_settings

GRADER_TIMEOUT_SECONDS = 2.0
MATH_VERIFY_TIMEOUT_SECONDS = 5.0


def scores(build: Builder, model: str, benchmark: str, arm: str) -> str:
    protocol = build.config.benchmarks[benchmark]
    name = f"{arm} · {benchmark}"
    described = protocol.model_dump(mode="json")
    engine = build.config.engine
    params = {key: described[key] for key in ("k", "max_tokens")} | sampling(described)
    params |= {"backend": engine.backend, "precision": engine.precision}
    params["instruction"] = build.config.prompt.instruction
    parents = {"model": model, "problems": benchmark_problems(build, protocol)}
    samples = build.add("samples", params, parents, name=name, settings=engine_settings(build))
    grading = ("fallback", "relative_tolerance", "score_truncated")
    params = {key: described[key] for key in grading}
    params["timeout_seconds"] = GRADER_TIMEOUT_SECONDS
    # A sum is to be computed: an answer that repeats it is equal to it, and wrong.
    params["algebra"] = build.config.problems[protocol.problems].kind != "arithmetic"
    return build.add("scores", params, {"samples": samples}, name=name)


def audit(build: Builder, arms: list[dict], all_scores: list[str]) -> str:
    """Other opinions on the arms' scores, and the tables over them."""
    parents = {"scores": all_scores}
    if build.config.audit.math_verify:
        parents["second_opinions"] = [_second_opinions(build, each) for each in all_scores]
    if build.config.audit.judge is not None:
        parents["judgements"] = [_judgements(build, each) for each in all_scores]
    return build.add("audit_tables", {"arms": arms}, parents, name=build.config.experiment)


def _second_opinions(build: Builder, scored: str) -> str:
    params = {"timeout_seconds": MATH_VERIFY_TIMEOUT_SECONDS}
    name = build.nodes[scored].name
    return build.add("second_opinions", params, {"scores": scored}, name=name)


def _judgements(build: Builder, scored: str) -> str:
    judge = build.config.audit.judge
    samples = build.nodes[build.nodes[scored].parents["samples"]]
    return build.add(
        "judgements",
        judge.model_dump(mode="json", include={"model", "max_tokens"}),
        {"scores": scored, "problems": samples.parents["problems"]},
        name=build.nodes[scored].name,
        settings=judge.model_dump(mode="json", exclude={"model", "max_tokens"}),
    )
