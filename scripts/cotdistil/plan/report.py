"""The final artefacts: tables and figures over the scores, of the data and of pruning."""

from collections.abc import Iterator

from cotdistil.plan.builder import Builder
from cotdistil.plan.curate import training_set
from cotdistil.plan.data import benchmark_problems, problems, screening
from cotdistil.plan.teach import corpus, token_counts


def tables(build: Builder, arms: list[dict], scores: list[str], models: list[str]) -> str:
    gaps = {name: [gap.of, gap.minus] for name, gap in build.config.gaps.items()}
    params = {"arms": arms, "gaps": gaps}
    parents = {"scores": scores, "models": models}
    return build.add("tables", params, parents, name=build.config.experiment)


def figures(build: Builder, of_tables: str) -> str:
    return build.add("figures", {}, {"tables": of_tables}, name=build.config.experiment)


def ledger(build: Builder) -> str:
    """What became of the data, for every corpus that a recipe takes; "" where none does.

    Lengths are in tokens of the first student.
    """
    config = build.config
    taken = {recipe.take: None for recipe in config.recipes.values() if recipe.take is not None}
    if not taken:
        return ""
    roles = ("corpora", "screening", "held_out", "training_sets")
    params: dict = {role: [] for role in roles}
    parents: dict = {role: [] for role in (*roles, "tokens")}
    for name in taken:
        described = config.corpora[name]
        teacher = config.teachers[described.teacher]
        price = getattr(teacher, "price", None)
        params["corpora"].append(
            {
                "name": name,
                "teacher": described.teacher,
                "problems": described.problems,
                "price": price and price.model_dump(mode="json"),
            }
        )
        parents["corpora"].append(corpus(build, name))
        parents["tokens"].append(token_counts(build, name, config.students[0]))
    for name in dict.fromkeys(config.corpora[name].problems for name in taken):
        removed = screening(build, name)
        if removed:
            params["screening"].append({"problems": name, "benchmarks": _benchmark_names(build)})
            parents["screening"].append(removed)
    for name, benchmark in config.benchmarks.items():
        if benchmark.without:
            training = {
                problems(build, each, "train").split("/")[1]: each for each in benchmark.without
            }
            params["held_out"].append({"benchmark": name, "training": training})
            parents["held_out"].append(benchmark_problems(build, benchmark))
    _add_training_sets(build, params["training_sets"], parents["training_sets"])
    return build.add("ledger", params, parents, name=config.experiment)


def pruning_tables(build: Builder) -> str:
    """What is left of every pruned training set and what that cost; "" where no recipe prunes.

    Each training set once; its names are joined where several recipes or students share it.
    """
    names: dict[str, tuple[dict, dict]] = {}
    for recipe in build.config.recipes:
        for student in build.config.students:
            address = training_set(build, recipe, student)
            if build.nodes[address].stage == "pruned":
                recipes, students = names.setdefault(address, ({}, {}))
                recipes[recipe] = students[student] = None
    if not names:
        return ""
    described = [
        {
            "recipe": ", ".join(recipes),
            "student": ", ".join(students),
            "cutter": build.nodes[address].params["cutter"],
        }
        for address, (recipes, students) in names.items()
    ]
    params, parents = {"pruned": described}, {"pruned": list(names)}
    return build.add("pruning_tables", params, parents, name=build.config.experiment)


def _benchmark_names(build: Builder) -> dict[str, str]:
    """Key of a benchmark's problems -> the names of the benchmarks that ask them."""
    names: dict[str, list[str]] = {}
    for name, benchmark in build.config.benchmarks.items():
        key = benchmark_problems(build, benchmark).split("/")[1]
        names.setdefault(key, []).append(name)
    return {key: ", ".join(found) for key, found in names.items()}


def _add_training_sets(build: Builder, described: list[dict], addresses: list[str]) -> None:
    """Each training set once; with its student where it is made for one."""
    for name, students, address in named_training_sets(build):
        shared = len(students) == len(build.config.students)
        described.append({"name": name, "student": None if shared else ", ".join(students)})
        addresses.append(address)


def named_training_sets(build: Builder) -> Iterator[tuple[str, list[str], str]]:
    """Each training set of each recipe: the recipe, the students that it is for, its address."""
    for name in build.config.recipes:
        by_address: dict[str, list[str]] = {}
        for student in build.config.students:
            by_address.setdefault(training_set(build, name, student), []).append(student)
        for address, students in by_address.items():
            yield name, students, address
