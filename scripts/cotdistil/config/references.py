"""Checks that need more than one key of the config: names that point at nothing, loops.

Each function returns faults as `key.path: found; expected; what to do`.
"""

import difflib
from collections.abc import Iterable

from cotdistil.config import Config
from cotdistil.config.pruning import Prune
from cotdistil.config.recipes import Recipe

UNSHARED = ("random", "none")  # cutters whose kept shares are no measure for random cutting


def reference_faults(config: Config) -> list[str]:
    """Every fault of the names in a config whose types are right already."""
    faults = [
        *_experiment_faults(config),
        *_student_faults(config),
        *_teacher_faults(config),
        *_corpus_faults(config),
        *_screening_faults(config),
        *_recipe_faults(config),
        *_benchmark_faults(config),
        *_gap_faults(config),
    ]
    if config.recipes and config.training is None:
        faults.append("training: the key is missing; recipes are trained on, so add 'training.sft'")
    if len(set(config.seeds)) != len(config.seeds):
        faults.append(f"seeds: found {config.seeds}; expected each seed once")
    if not faults:
        faults += _loop_faults(config)
    if not faults:
        faults += _mix_faults(config)
    return faults


def unknown(where: str, name: str, defined: Iterable[str], what: str) -> list[str]:
    """A fault if `name` is not among `defined`, with the nearest name as a suggestion."""
    defined = list(defined)
    if name in defined:
        return []
    close = difflib.get_close_matches(name, defined, n=1)
    hint = f"; did you mean '{close[0]}'?" if close else ""
    names = ", ".join(f"'{each}'" for each in defined) or "none"
    return [f"{where}: names the {what} '{name}'; those defined are {names}{hint}"]


# Folders of results/ that are no experiment's, and the names of rules: a target has one meaning.
RESERVED_NAMES = frozenset(
    {
        *("store", "example", "README.md", "all"),
        *("make_problems", "fetch_model", "hold_out_problems", "screen_problems"),
        *("generate_responses", "write_traces", "count_tokens"),
        *("build_training_set", "segment_thinking", "prune_traces"),
        *("train_sft", "generate_samples", "score_samples", "audit_scores", "judge_mismatches"),
        *("summarize_scores", "plot_accuracy_tokens", "tabulate_audit"),
        *("tabulate_ledger", "tabulate_pruning", "browse_traces", "index_browsers"),
        *("mark_published", "publish_results"),
    }
)


def _experiment_faults(config: Config) -> list[str]:
    if config.experiment not in RESERVED_NAMES:
        return []
    return [
        f"experiment: found '{config.experiment}', which names a rule or a folder of results/;"
        " expected another name; choose one"
    ]


def _student_faults(config: Config) -> list[str]:
    faults = []
    for position, student in enumerate(config.students):
        faults += unknown(f"students[{position}]", student, config.models, "model")
    if len(set(config.students)) != len(config.students):
        faults.append(f"students: found {config.students}; expected each student once")
    return faults


def _teacher_faults(config: Config) -> list[str]:
    faults = []
    for name, teacher in config.teachers.items():
        if teacher.kind == "model":
            faults += unknown(f"teachers.{name}.model", teacher.model, config.models, "model")
    return faults + _shared_answer_faults(config)


def _shared_answer_faults(config: Config) -> list[str]:
    """An address decides no answer, so one name at two addresses would stand for one model."""
    faults = []
    first: dict[str, tuple[str, str]] = {}
    for name, teacher in config.teachers.items():
        if teacher.kind != "endpoint":
            continue
        where, variable = first.setdefault(teacher.model, (name, teacher.base_url_env))
        if variable != teacher.base_url_env:
            faults.append(
                f"teachers.{name}.base_url_env: found '{variable}' and '{teacher.base_url_env}' for"
                f" the model '{teacher.model}', which '{where}' asks too; expected one address for"
                " each model's name, because answers are kept by it; serve one of the two under"
                " another name, or name the same variable"
            )
    return faults


def _corpus_faults(config: Config) -> list[str]:
    faults = []
    for name, corpus in config.corpora.items():
        where = f"corpora.{name}"
        faults += unknown(f"{where}.teacher", corpus.teacher, config.teachers, "teacher")
        faults += unknown(f"{where}.problems", corpus.problems, config.problems, "problem set")
        problems = config.problems.get(corpus.problems)
        if problems is not None and not problems.train:
            faults.append(
                f"problems.{corpus.problems}.train: found {_shown(problems.train)};"
                f" corpora.{name} is made of these training problems; say how many, or where they"
                " are"
            )
        teacher = config.teachers.get(corpus.teacher)
        if (
            problems is not None
            and teacher is not None
            and teacher.kind == "procedure"
            and problems.kind != "arithmetic"
        ):
            faults.append(
                f"{where}.teacher: found '{corpus.teacher}', a procedure, on the problem set"
                f" '{corpus.problems}' of kind '{problems.kind}'; a procedure solves only kind"
                " 'arithmetic'; name another teacher"
            )
    return faults


def _screening_faults(config: Config) -> list[str]:
    faults = []
    for position, name in enumerate(config.screening.against or []):
        faults += unknown(f"screening.against[{position}]", name, config.benchmarks, "benchmark")
    return faults


def _recipe_faults(config: Config) -> list[str]:
    faults = []
    for name, recipe in config.recipes.items():
        where = f"recipes.{name}"
        if name == "base":
            faults.append(
                f"{where}: the name 'base' stands for the untouched student; rename the recipe"
            )
        if recipe.take is not None:
            faults += unknown(f"{where}.take", recipe.take, config.corpora, "corpus")
            faults += _sharing_faults(config, where, recipe)
        for part in recipe.mix or {}:
            faults += unknown(f"{where}.mix.{part}", part, config.recipes, "recipe")
        if recipe.prune is not None:
            faults += unknown(
                f"{where}.prune.recipe", recipe.prune.recipe, config.recipes, "recipe"
            )
            faults += _like_faults(config, f"{where}.prune.like", recipe.prune)
            faults += _segmentation_faults(config, f"{where}.prune.segmentation", recipe.prune)
    return faults


def _like_faults(config: Config, where: str, prune: Prune) -> list[str]:
    """Faults of the recipe whose kept shares random cutting deals out anew."""
    if prune.like is None:
        return []
    if prune.like not in config.recipes:
        return unknown(where, prune.like, config.recipes, "recipe")
    other = config.recipes[prune.like].prune
    if other is not None and other.recipe == prune.recipe and other.cutter not in UNSHARED:
        return []
    return [
        f"{where}: names the recipe '{prune.like}'; expected one that prunes '{prune.recipe}' with"
        " a cutter other than random and none; name such a recipe"
    ]


def _segmentation_faults(config: Config, where: str, prune: Prune) -> list[str]:
    if prune.segmentation is None:
        return []
    return unknown(f"{where}.model", prune.segmentation.model, config.models, "model")


def _sharing_faults(config: Config, where: str, recipe: Recipe) -> list[str]:
    """Faults of the corpora that must have a recipe's problems too."""
    faults = []
    own = config.corpora.get(recipe.take)
    for position, name in enumerate(recipe.shared_with):
        key = f"{where}.shared_with[{position}]"
        faults += unknown(key, name, config.corpora, "corpus")
        other = config.corpora.get(name)
        if own is not None and other is not None and own.problems != other.problems:
            faults.append(
                f"{key}: names the corpus '{name}' on the problem set '{other.problems}', but"
                f" '{recipe.take}' is on '{own.problems}'; expected the same; name another corpus"
            )
    return faults


def _benchmark_faults(config: Config) -> list[str]:
    faults = []
    for name, benchmark in config.benchmarks.items():
        where = f"benchmarks.{name}.problems"
        if name == "mean":
            faults.append(
                "benchmarks.mean: the name 'mean' stands for the mean over benchmarks; rename it"
            )
        faults += unknown(where, benchmark.problems, config.problems, "problem set")
        faults += _without_faults(config, name)
        problems = config.problems.get(benchmark.problems)
        if problems is not None and not problems.test:
            faults.append(
                f"problems.{benchmark.problems}.test: found {_shown(problems.test)};"
                f" benchmarks.{name} asks these test problems; say how many, or where they are"
            )
        elif (
            problems is not None
            and problems.kind != "arithmetic"
            and problems.test == problems.train
        ):
            faults.append(
                f"problems.{benchmark.problems}.test: found '{problems.test}', the training"
                " problems; expected others; a student is not scored on what it learned from"
            )
    return faults


def _without_faults(config: Config, benchmark: str) -> list[str]:
    faults = []
    for position, name in enumerate(config.benchmarks[benchmark].without):
        where = f"benchmarks.{benchmark}.without[{position}]"
        faults += unknown(where, name, config.problems, "problem set")
        problems = config.problems.get(name)
        if problems is not None and not problems.train:
            faults.append(
                f"{where}: names the problem set '{name}', which has no training problems; expected"
                " one that has; say where they are, or leave it out"
            )
    return faults


def _shown(count_or_source: int | str | None) -> str:
    return "nothing" if count_or_source is None else str(count_or_source)


def _gap_faults(config: Config) -> list[str]:
    faults = []
    for name, gap in config.gaps.items():
        faults += unknown(f"gaps.{name}.of", gap.of, config.recipes, "recipe")
        faults += unknown(f"gaps.{name}.minus", gap.minus, config.recipes, "recipe")
    return faults


def recipe_parts(recipe: Recipe) -> list[str]:
    """The recipes that a recipe is made of directly."""
    if recipe.mix is not None:
        return list(recipe.mix)
    if recipe.prune is None:
        return []
    return [name for name in (recipe.prune.recipe, recipe.prune.like) if name is not None]


def _loop_faults(config: Config) -> list[str]:
    def loop(name: str, above: tuple[str, ...]) -> str | None:
        if name in above:
            return " → ".join((*above[above.index(name) :], name))
        found = (loop(part, (*above, name)) for part in recipe_parts(config.recipes[name]))
        return next((each for each in found if each), None)

    for name in config.recipes:
        circle = loop(name, ())
        if circle:
            return [
                f"recipes.{name}: is made of itself ({circle}); start from a recipe with 'take'"
            ]
    return []


def _mix_faults(config: Config) -> list[str]:
    """A mix takes one trace per problem, so its parts must be about the same problems."""

    def problem_sets(name: str) -> set[str]:
        recipe = config.recipes[name]
        if recipe.take is not None:
            return {config.corpora[recipe.take].problems}
        return set().union(*(problem_sets(part) for part in recipe_parts(recipe)))

    faults = []
    for name, recipe in config.recipes.items():
        if recipe.mix is not None and len(problem_sets(name)) > 1:
            found = ", ".join(sorted(problem_sets(name)))
            faults.append(
                f"recipes.{name}.mix: found parts about several problem sets ({found}); expected"
                " one, because a mix picks one of its parts for each problem"
            )
    return faults
