"""Models and problem sets; what is removed from training problems and from benchmarks."""

from cotdistil.config.evaluation import Benchmark
from cotdistil.plan.builder import Builder


def model(build: Builder, name: str) -> str:
    description = build.config.models[name].model_dump(mode="json")
    if "folder" in description:
        where = f"models.{name}.folder"
        files = build.surroundings.file_hashes(where, description["folder"], True)
        return build.add("models", {"kind": "folder"}, files=files, name=name)
    kind = "package" if "package" in description else "hub"
    return build.add("models", {"kind": kind, **description}, name=name)


def problems(build: Builder, name: str, split: str) -> str:
    described = build.config.problems[name]
    params = described.model_dump(mode="json", exclude={"train", "test"})
    source = getattr(described, split)
    label = f"{name} · {split}"
    if described.kind == "arithmetic":
        return build.add("problems", {**params, "split": split, "count": source}, name=label)
    if described.kind == "hub":
        return build.add("problems", {**params, "split": source}, name=label)
    files = build.local_file(f"problems.{name}.{split}", source, "problems")
    params["format"] = source.rsplit(".", 1)[-1].lower()
    return build.add("problems", params, files=files, name=label)


def benchmark_problems(build: Builder, benchmark: Benchmark) -> str:
    """The questions that a benchmark asks."""
    asked = problems(build, benchmark.problems, "test")
    others = sorted({problems(build, name, "train") for name in benchmark.without})
    if not others:
        return asked
    name = f"{benchmark.problems} · test, held out"
    params = {"expressions": build.config.problems[benchmark.problems].kind == "arithmetic"}
    return build.add("held_out", params, {"problems": asked, "training": others}, name=name)


def screening(build: Builder, name: str) -> str | None:
    """What is removed from a set of training problems; None where nothing can be.

    Random expressions have no duplicates, and none of their set's own test problems.
    """
    config = build.config.screening
    names = build.config.benchmarks if config.against is None else config.against
    drawn = build.config.problems[name].kind == "arithmetic"
    benchmarks = [build.config.benchmarks[each] for each in names]
    if drawn:
        benchmarks = [each for each in benchmarks if each.problems != name]
        if not benchmarks:
            return None
    params = {
        "ngram": config.ngram if benchmarks else None,
        "near_duplicates": None if drawn else config.near_duplicates,
        "expressions": drawn,
    }
    parents = {
        "problems": problems(build, name, "train"),
        "benchmarks": sorted({benchmark_problems(build, each) for each in benchmarks}),
    }
    return build.add("screening", params, parents, name=f"{name} · train")
