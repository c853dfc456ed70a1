"""The plan: a pure function from a config to the graph of artefacts that the result tables need.

One module per stage of the workflow, one function per artefact: it says exactly what decides the
artefact. What it does not hand to the node's `params`, `parents` or `files` can change without
anything running again.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from cotdistil.config import Config
from cotdistil.plan.browse import trace_index
from cotdistil.plan.builder import Builder, Surroundings
from cotdistil.plan.curate import training_set
from cotdistil.plan.data import model
from cotdistil.plan.evaluate import audit, scores
from cotdistil.plan.report import figures, ledger, pruning_tables, tables
from cotdistil.store import Node

__all__ = ["Plan", "Surroundings", "make_plan"]


@dataclass
class Plan:
    """Every artefact of one experiment, parents before children.

    nodes: address -> node.
    tables, figures, ledger, pruning, traces, audit: the addresses of the final artefacts; "" where
    there is none.
    remember_files: writes the hashes of local files down, so that the next plan need not read them.
    """

    experiment: str
    nodes: dict[str, Node] = field(default_factory=dict)
    tables: str = ""
    figures: str = ""
    ledger: str = ""
    pruning: str = ""
    traces: str = ""
    audit: str = ""
    remember_files: Callable[[], None] = lambda: None

    @property
    def finals(self) -> list[str]:
        """The addresses of what the experiment's named folder shows; tables come with figures."""
        shown = (self.figures, self.ledger, self.pruning, self.traces, self.audit)
        return [address for address in shown if address]

    @property
    def marker(self) -> str:
        """The file that says, by its name, what the named folder shows."""
        keys = "-".join(self.nodes[address].key for address in self.finals)
        return f"results/{self.experiment}/published/{keys}.json"

    def by_key(self) -> dict[str, Node]:
        return {node.key: node for node in self.nodes.values()}


def make_plan(config: Config, surroundings: Surroundings) -> Plan:
    """The plan of a checked config. Raises `ConfigError` for a local file that is not there."""
    build = Builder(config, surroundings)
    plan = Plan(config.experiment, build.nodes)
    arms, scored, models = [], [], []
    for arm, trained in _arms(build):
        for benchmark, protocol in config.benchmarks.items():
            arms.append({**arm, "benchmark": benchmark, "k": protocol.k})
            scored.append(scores(build, trained, benchmark, _arm_name(arm)))
            models.append(trained)
    plan.tables = tables(build, arms, scored, models)
    plan.figures = figures(build, plan.tables)
    plan.ledger = ledger(build)
    plan.pruning = pruning_tables(build)
    plan.traces = trace_index(build)
    if config.audit is not None:
        plan.audit = audit(build, arms, scored)
    return plan


def _arms(build: Builder) -> Iterator[tuple[dict, str]]:
    """Each arm's columns in the tables, and the address of its model; `base` is first."""
    for student in build.config.students:
        base = model(build, student)
        yield {"student": student, "recipe": "base", "stage": "base", "seed": None}, base
        for recipe in build.config.recipes:
            for seed in build.config.seeds:
                arm = {"student": student, "recipe": recipe, "stage": "sft", "seed": seed}
                yield arm, _sft(build, student, recipe, seed, _arm_name(arm))


def _sft(build: Builder, student: str, recipe: str, seed: int, name: str) -> str:
    params = build.config.training.sft.model_dump(mode="json")
    params |= {"instruction": build.config.prompt.instruction, "seed": seed}
    parents = {
        "model": model(build, student),
        "training_set": training_set(build, recipe, student),
    }
    return build.add("sft", params, parents, name=name)


def _arm_name(arm: dict) -> str:
    if arm["recipe"] == "base":
        return f"{arm['student']} · base"
    return f"{arm['student']} · {arm['recipe']} · seed {arm['seed']}"
