"""The plan: a pure function from a config to the graph of artefacts that the result tables need.

One method per stage says exactly what decides its artefact. What it does not hand to the node's
`params`, `parents` or `files` can change without anything running again.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from cotdistil.config import Config, Recipe
from cotdistil.stages import STAGES
from cotdistil.store import Node

GRADER_TIMEOUT_SECONDS = 2.0
MATH_VERIFY_TIMEOUT_SECONDS = 5.0


@dataclass(frozen=True)
class Surroundings:
    """What the plan asks of the machine; tests hand in their own.

    code_version(stage, variant): the version of a stage's code.
    file_hashes(key_path, path, folder): file name -> (sha256, path) of the file at `path`, or of a
    model folder's files; `key_path` is the config's key, for messages.
    """

    code_version: Callable[[str, str], str]
    file_hashes: Callable[[str, str, bool], dict[str, tuple[str, str]]]


@dataclass
class Plan:
    """Every artefact of one experiment, parents before children.

    nodes: address -> node.
    tables, figures, audit: the addresses of the final artefacts; audit is "" without an audit.
    remember_files: writes the hashes of local files down, so that the next plan need not read them.
    """

    experiment: str
    nodes: dict[str, Node] = field(default_factory=dict)
    tables: str = ""
    figures: str = ""
    audit: str = ""
    remember_files: Callable[[], None] = lambda: None

    @property
    def finals(self) -> list[str]:
        """The addresses of what the experiment's named folder shows; tables come with figures."""
        return [address for address in (self.figures, self.audit) if address]

    @property
    def marker(self) -> str:
        """The file that says, by its name, what the named folder shows."""
        keys = "-".join(self.nodes[address].key for address in self.finals)
        return f"results/{self.experiment}/published/{keys}.json"

    def by_key(self) -> dict[str, Node]:
        return {node.key: node for node in self.nodes.values()}


def make_plan(config: Config, surroundings: Surroundings) -> Plan:
    """The plan of a checked config. Raises `ConfigError` for a local file that is not there."""
    return _Planner(config, surroundings).plan()


class _Planner:
    def __init__(self, config: Config, surroundings: Surroundings):
        self.config = config
        self.surroundings = surroundings
        self.result = Plan(config.experiment)

    def plan(self) -> Plan:
        """The arms' scores, and the tables and figures over them."""
        arms, scores, models = [], [], []
        for arm, model in self._arms():
            for benchmark, protocol in self.config.benchmarks.items():
                arms.append({**arm, "benchmark": benchmark, "k": protocol.k})
                scores.append(self._scores(model, benchmark, _arm_name(arm)))
                models.append(model)
        gaps = {name: [gap.of, gap.minus] for name, gap in self.config.gaps.items()}
        self.result.tables = self._add(
            "tables",
            {"arms": arms, "gaps": gaps},
            {"scores": scores, "models": models},
            name=self.config.experiment,
        )
        self.result.figures = self._add(
            "figures", {}, {"tables": self.result.tables}, name=self.config.experiment
        )
        if self.config.audit is not None:
            self.result.audit = self._audit(arms, scores)
        return self.result

    def _arms(self):
        """Each arm's columns in the tables, and the address of its model; `base` is first."""
        for student in self.config.students:
            base = self._model(student)
            yield {"student": student, "recipe": "base", "stage": "base", "seed": None}, base
            for recipe in self.config.recipes:
                for seed in self.config.seeds:
                    arm = {"student": student, "recipe": recipe, "stage": "sft", "seed": seed}
                    yield arm, self._sft(student, recipe, seed, _arm_name(arm))

    def _add(
        self,
        stage: str,
        params: dict,
        parents: dict[str, str | list[str]] | None = None,
        files: dict[str, tuple[str, str]] | None = None,
        name: str = "",
        settings: dict | None = None,
    ) -> str:
        files = files or {}
        node = Node(
            stage=stage,
            params=params,
            parents=parents or {},
            files={file: sha256 for file, (sha256, _) in files.items()},
            code=self.surroundings.code_version(stage, STAGES[stage].variant(params)),
            name=name,
            sources=dict(files.values()),
            settings=settings or {},
        )
        self.result.nodes.setdefault(node.address, node)
        return node.address

    # --- data -----------------------------------------------------------------------------

    def _model(self, name: str) -> str:
        model = self.config.models[name].model_dump(mode="json")
        if "folder" in model:
            files = self.surroundings.file_hashes(f"models.{name}.folder", model["folder"], True)
            return self._add("models", {"kind": "folder"}, files=files, name=name)
        kind = "package" if "package" in model else "hub"
        return self._add("models", {"kind": kind, **model}, name=name)

    def _problems(self, name: str, split: str) -> str:
        problems = self.config.problems[name]
        params = problems.model_dump(mode="json", exclude={"train", "test"})
        source = getattr(problems, split)
        label = f"{name} · {split}"
        if problems.kind == "arithmetic":
            params |= {"split": split, "count": source}
            return self._add("problems", params, name=label)
        if problems.kind == "hub":
            return self._add("problems", {**params, "split": source}, name=label)
        files = self.surroundings.file_hashes(f"problems.{name}.{split}", source, False)
        params["format"] = source.rsplit(".", 1)[-1].lower()
        return self._add("problems", params, files=_only(files, "problems"), name=label)

    # --- teach ----------------------------------------------------------------------------

    def _corpus(self, name: str) -> str:
        corpus = self.config.corpora[name]
        teacher = self.config.teachers[corpus.teacher]
        parents = {"problems": self._problems(corpus.problems, "train")}
        params = teacher.model_dump(mode="json")
        if teacher.kind == "procedure":
            if teacher.style == "short":
                for rate in ("double_check", "second_thought", "wrong_turn", "final_pass"):
                    del params[rate]
            return self._add("corpora", params, parents, name=name)
        path = params.pop("path")
        files = self.surroundings.file_hashes(f"teachers.{corpus.teacher}.path", path, False)
        params["format"] = path.rsplit(".", 1)[-1].lower()
        return self._add("corpora", params, parents, _only(files, "traces"), name=name)

    # --- curate ---------------------------------------------------------------------------

    def _training_set(self, name: str, student: str) -> str:
        recipe = self.config.recipes[name]
        if recipe.take is not None:
            params = {"kind": "take", "size": recipe.size, "seed": _seed_of_choice(recipe)}
            return self._add(
                "training_sets", params, {"parts": [self._corpus(recipe.take)]}, name=name
            )
        if recipe.mix is not None:
            # Neither the order of the keys nor the recipes' names count. Addresses only break ties,
            # so that an edit elsewhere does not change who answers which problem.
            total = sum(recipe.mix.values())
            parts = sorted(
                (-round(weight / total, 12), self._training_set(part, student))
                for part, weight in recipe.mix.items()
            )
            params = {
                "kind": "mix",
                "weights": [-weight for weight, _ in parts],
                "size": recipe.size,
                "seed": recipe.seed if len(parts) > 1 else _seed_of_choice(recipe),
            }
            parents = {"parts": [address for _, address in parts]}
            return self._add("training_sets", params, parents, name=name)
        return self._pruned(name, student)

    def _pruned(self, name: str, student: str) -> str:
        prune = self.config.recipes[name].prune
        whole = self._training_set(prune.recipe, student)
        if prune.cutter == "none":
            return whole
        params = prune.model_dump(mode="json", exclude={"recipe"})
        if prune.prompt_style == "continue":
            del params["instruction"]
        if prune.cutter == "full":
            del params["min_steps"], params["min_steps_to_cut"]
        if prune.samples_per_check == 1:
            params["agreement"] = 1.0  # one answer agrees or does not
        params |= _sampling(params) | self._engine()
        params["backend"] = prune.backend or params["backend"]
        params["question_instruction"] = self.config.prompt.instruction
        parents = {"training_set": whole, "model": self._model(student)}
        return self._add("pruned", params, parents, name=f"{student} · {name}")

    # --- train ----------------------------------------------------------------------------

    def _sft(self, student: str, recipe: str, seed: int, name: str) -> str:
        params = self.config.training.sft.model_dump(mode="json")
        params |= {"instruction": self.config.prompt.instruction, "seed": seed}
        parents = {
            "model": self._model(student),
            "training_set": self._training_set(recipe, student),
        }
        return self._add("sft", params, parents, name=name)

    # --- evaluate -------------------------------------------------------------------------

    def _scores(self, model: str, benchmark: str, arm: str) -> str:
        protocol = self.config.benchmarks[benchmark]
        name = f"{arm} · {benchmark}"
        params = protocol.model_dump(mode="json", include={"k", "max_tokens"})
        params |= _sampling(protocol.model_dump(mode="json")) | self._engine()
        params["instruction"] = self.config.prompt.instruction
        parents = {"model": model, "problems": self._problems(protocol.problems, "test")}
        samples = self._add("samples", params, parents, name=name)
        grading = {"fallback", "relative_tolerance", "score_truncated"}
        params = protocol.model_dump(mode="json", include=grading)
        params["timeout_seconds"] = GRADER_TIMEOUT_SECONDS
        # A sum is to be computed: an answer that repeats it is equal to it, and wrong.
        params["algebra"] = self.config.problems[protocol.problems].kind != "arithmetic"
        return self._add("scores", params, {"samples": samples}, name=name)

    # --- audit ----------------------------------------------------------------------------

    def _audit(self, arms: list[dict], scores: list[str]) -> str:
        """Other opinions on the arms' scores, and the tables over them."""
        parents = {"scores": scores}
        if self.config.audit.math_verify:
            parents["second_opinions"] = [self._second_opinions(each) for each in scores]
        if self.config.audit.judge is not None:
            parents["judgements"] = [self._judgements(each) for each in scores]
        return self._add("audit_tables", {"arms": arms}, parents, name=self.config.experiment)

    def _second_opinions(self, scores: str) -> str:
        params = {"timeout_seconds": MATH_VERIFY_TIMEOUT_SECONDS}
        name = self.result.nodes[scores].name
        return self._add("second_opinions", params, {"scores": scores}, name=name)

    def _judgements(self, scores: str) -> str:
        judge = self.config.audit.judge
        samples = self.result.nodes[self.result.nodes[scores].parents["samples"]]
        return self._add(
            "judgements",
            judge.model_dump(mode="json", include={"model", "max_tokens"}),
            {"scores": scores, "problems": samples.parents["problems"]},
            name=self.result.nodes[scores].name,
            settings=judge.model_dump(mode="json", exclude={"model", "max_tokens"}),
        )

    def _engine(self) -> dict:
        return self.config.engine.model_dump(mode="json")


def _sampling(params: dict) -> dict:
    """Temperature, top_p and seed; greedy decoding uses neither of the last two."""
    greedy = params["temperature"] == 0.0
    return {
        "temperature": params["temperature"],
        "top_p": 1.0 if greedy else params["top_p"],
        "seed": 0 if greedy else params["seed"],
    }


def _seed_of_choice(recipe: Recipe) -> int:
    """The seed where something is chosen with it, else 0."""
    return recipe.seed if recipe.size is not None else 0


def _only(files: dict[str, tuple[str, str]], name: str) -> dict[str, tuple[str, str]]:
    """The one file of `files`, under a name that does not depend on what the file is called."""
    [(sha256, path)] = files.values()
    return {name: (sha256, path)}


def _arm_name(arm: dict) -> str:
    if arm["recipe"] == "base":
        return f"{arm['student']} · base"
    return f"{arm['student']} · {arm['recipe']} · seed {arm['seed']}"
