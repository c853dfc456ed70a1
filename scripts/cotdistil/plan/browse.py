"""Pages to read the traces of training sets in, and the table of contents of these pages."""

from cotdistil.plan.builder import Builder
from cotdistil.plan.report import named_training_sets

INDEX = "index.html"


def trace_index(build: Builder) -> str:
    """The table of contents, over one page per training set; "" where there is none."""
    config = build.config
    if config.trace_browser is None or not config.recipes:
        return ""
    described: list[dict] = []
    browsers: list[str] = []
    for recipe, students, address in named_training_sets(build):
        on_policy = build.nodes[address].stage == "pruned"
        shared = len(students) == len(config.students)
        whose = ", ".join(students)
        title = f"{recipe} · {whose}" if on_policy or not shared else recipe
        stem = recipe if shared else f"{recipe}.{students[0]}"
        taken = {INDEX, *(each["file"] for each in described)}
        described.append({"file": _file_name(stem, taken), "title": title})
        browsers.append(_browser(build, address, title))
    name = config.experiment
    return build.add("trace_index", {"pages": described}, {"browsers": browsers}, name=name)


def _browser(build: Builder, address: str, title: str) -> str:
    params = {"title": title, "traces": build.config.trace_browser.traces}
    parents = {"training_set": address}
    if build.nodes[address].stage == "pruned":
        # Before pruning, so that the traces that were dropped are seen as well.
        whole = build.nodes[address].parents["training_set"]
        parents = {"training_set": whole, "pruned": address}
    return build.add("trace_browsers", params, parents, name=title)


def _file_name(stem: str, taken: set[str]) -> str:
    """`stem`.html, or another if a recipe has the name of a recipe and its student."""
    name, number = f"{stem}.html", 1
    while name in taken:
        number += 1
        name = f"{stem}-{number}.html"
    return name
