"""Training sets: what is taken of corpora, mixed and pruned."""

from cotdistil.config.pruning import UNVALIDATED, Prune
from cotdistil.config.recipes import Recipe
from cotdistil.plan.builder import Builder, sampling
from cotdistil.plan.data import model, screening
from cotdistil.plan.segmentation import steps
from cotdistil.plan.teach import corpus, engine_settings, token_counts


def training_set(build: Builder, name: str, student: str) -> str:
    recipe = build.config.recipes[name]
    if recipe.take is not None:
        return _taken(build, name, recipe, student)
    if recipe.mix is not None:
        return _mixed(build, name, recipe, student)
    return _pruned(build, name, student)


def _taken(build: Builder, name: str, recipe: Recipe, student: str) -> str:
    others = sorted(set(recipe.shared_with) - {recipe.take})
    random = recipe.choose == "random" or recipe.size is not None
    params = {
        "kind": "take",
        "correct_only": recipe.correct_only,
        "choose": recipe.choose,
        "size": recipe.size,
        "seed": recipe.seed if random else 0,
        "max_tokens": recipe.max_tokens,
    }
    parents: dict = {"corpus": corpus(build, recipe.take)}
    shared = sorted({corpus(build, other) for other in others} - {parents["corpus"]})
    if shared:
        parents["shared_with"] = shared
    removed = screening(build, build.config.corpora[recipe.take].problems)
    if removed:
        parents["screening"] = removed
    label = name
    if recipe.max_tokens is not None:
        label = f"{student} · {name}"
        params["over_length"] = build.config.training.sft.over_length
        parents["tokens"] = token_counts(build, recipe.take, student)
        by_corpus = {corpus(build, other): token_counts(build, other, student) for other in others}
        if shared:
            parents["shared_tokens"] = [by_corpus[address] for address in shared]
        if params["over_length"] == "truncate":
            parents["model"] = model(build, student)
    return build.add("training_sets", params, parents, name=label)


def _mixed(build: Builder, name: str, recipe: Recipe, student: str) -> str:
    # Neither the order of the keys nor the recipes' names count. Addresses only break ties, so that
    # an edit elsewhere does not change who answers which problem.
    total = sum(recipe.mix.values())
    parts = sorted(
        (-round(weight / total, 12), training_set(build, part, student))
        for part, weight in recipe.mix.items()
    )
    random = len(parts) > 1 or recipe.size is not None
    params = {
        "kind": "mix",
        "weights": [-weight for weight, _ in parts],
        "size": recipe.size,
        "seed": recipe.seed if random else 0,
    }
    parents = {"parts": [address for _, address in parts]}
    return build.add("training_sets", params, parents, name=name)


def _pruned(build: Builder, name: str, student: str) -> str:
    prune = build.config.recipes[name].prune
    whole = training_set(build, prune.recipe, student)
    if prune.cutter == "none":
        return whole
    params = {
        "cutter": prune.cutter,
        "question_instruction": build.config.prompt.instruction,
        **prune.model_dump(mode="json", include=set(_settings(prune))),
    }
    parents = {"training_set": whole, "model": model(build, student)}
    if prune.segmentation is not None:
        parents["steps"] = steps(build, prune.segmentation, whole, prune.recipe)
    if prune.cutter == "random":
        parents["like"] = training_set(build, prune.like, student)
    label = f"{student} · {name}"
    if prune.cutter in UNVALIDATED:
        return build.add("pruned", params, parents, name=label)
    params |= _validation(build, prune, parents["model"])
    return build.add("pruned", params, parents, name=label, settings=engine_settings(build))


def _settings(prune: Prune) -> tuple[str, ...]:
    """What decides the search beside the student."""
    if prune.cutter == "full":
        return ("invalid",)
    limits = ("min_steps", "min_steps_to_cut")
    if prune.cutter == "random":
        return (*limits, "seed")
    if prune.cutter == "inner":
        return (*limits, "invalid", "start", "removable", "inner_checks")
    if prune.cutter == "binary":
        return (*limits, "invalid", "start")
    return (*limits, "invalid")


def _validation(build: Builder, prune: Prune, student: str) -> dict:
    """What decides what the student is asked, and what its answers are taken for.

    `answers` is the key of what decides a single answer: the student is asked nothing twice as long
    as that is the same, whatever the cutter, its limits and the training set.
    """
    given = prune.model_dump(mode="json")
    asked = {name: given[name] for name in ("prompt_style", "lead_in", "max_tokens")}
    if prune.prompt_style == "instruction":
        asked["instruction"] = prune.instruction
    asked |= sampling(given) | {
        "samples_per_check": prune.samples_per_check,
        "question_instruction": build.config.prompt.instruction,
        "precision": build.config.engine.precision,
        "backend": prune.backend or build.config.engine.backend,
    }
    return {
        **asked,
        "answers": build.node("validations", asked, {"model": student}).key,
        # One answer agrees or does not.
        "agreement": 1.0 if prune.samples_per_check == 1 else prune.agreement,
        "conclusion": prune.conclusion,
    }
