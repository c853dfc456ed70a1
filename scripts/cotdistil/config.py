"""The config: its types. `config_file.py` turns what pydantic finds into messages for people.

Every key that a user can write is declared here, with its type, its default and one line that says
what it means; `config/schema.json` and `config/README.md` are generated from this file. Whatever is
in here and reaches a node's `params` decides results; threads, memory and GPUs belong in profiles.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, model_validator

NAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._-]*$"
REVISION_PATTERN = r"^[0-9a-f]{40}$"
OPERATORS_PATTERN = r"^[-+*/]+$"
VARIABLE_PATTERN = r"^[A-Z_][A-Z0-9_]*$"
Name = Annotated[str, Field(pattern=NAME_PATTERN, max_length=80)]
Variable = Annotated[str, Field(pattern=VARIABLE_PATTERN)]
Revision = Annotated[str, Field(pattern=REVISION_PATTERN)]
Positive = Annotated[int, Field(ge=1)]
Seed = Annotated[int, Field(ge=0, le=2**31 - 1)]
Share = Annotated[float, Field(ge=0.0, le=1.0)]
Text = Annotated[str, Field(min_length=1)]
TABLE_PATTERN = r"\.(jsonl|json|csv|parquet)$"
TablePath = Annotated[str, Field(pattern=TABLE_PATTERN)]
Range = Annotated[list[int], Field(min_length=2, max_length=2)]
Precision = Literal["auto", "float32", "bfloat16"]
Backend = Literal["vllm", "transformers"]


class Section(BaseModel):
    """Strict: an unknown key or a value of another type is an error, never a guess."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


# --- models -----------------------------------------------------------------------------------


class PackagedModel(Section):
    """A model inside an installed Python package, as a GGUF file."""

    package: Text = Field(description="Python package that carries the model")
    version: Text = Field(description="the package's version; another one installed is an error")
    gguf: Text = Field(description="file name of the GGUF file inside the package")


class HubModel(Section):
    """A model on the Hugging Face hub, at one pinned revision."""

    hub: Text = Field(description="hub id, such as Qwen/Qwen2.5-1.5B-Instruct")
    revision: Revision = Field(
        description="full commit hash of the revision; a branch name would not be reproducible"
    )


class LocalModel(Section):
    """A model in a folder of this machine: config.json, safetensors, tokenizer."""

    folder: Text = Field(description="path of the folder, relative to the project's root")


def _model_source(value: Any) -> str | None:
    keys = value if isinstance(value, dict) else getattr(value, "__dict__", {})
    found = [key for key in ("package", "hub", "folder") if key in keys]
    return found[0] if found else None


Model = Annotated[
    Annotated[PackagedModel, Tag("package")]
    | Annotated[HubModel, Tag("hub")]
    | Annotated[LocalModel, Tag("folder")],
    Discriminator(_model_source),
]


# --- problem sets -----------------------------------------------------------------------------


class ArithmeticProblems(Section):
    """Random arithmetic expressions whose every intermediate result is an integer.

    The defaults are the setting of arXiv 2506.07712, section 3.3 (its 400 problems are
    `test: 400`); the paper does not say how often parentheses occur: their rate is our choice.
    """

    kind: Literal["arithmetic"] = Field(description="which of the kinds this is")
    train: Annotated[int, Field(ge=0)] = Field(0, description="number of training problems")
    test: Annotated[int, Field(ge=0)] = Field(400, description="number of test problems")
    operations: Range = Field([5, 15], description="fewest and most operations per expression")
    operands: Range = Field([1, 100], description="smallest and largest operand")
    operators: Annotated[str, Field(pattern=OPERATORS_PATTERN)] = Field(
        "+-*/", description="operators to draw from"
    )
    parentheses: Share = Field(0.2, description="chance that an expression has a bracketed part")
    seed: Seed = Field(0, description="seed of the expressions")

    @model_validator(mode="after")
    def _ranges(self) -> "ArithmeticProblems":
        for key, least, most in (("operations", 1, 200), ("operands", -10_000, 10_000)):
            low, high = getattr(self, key)
            if not least <= low <= high <= most:
                expected = f"two whole numbers from {least} to {most}, smaller first"
                raise ValueError(f"{key}|[{low}, {high}]|{expected}")
        if len(set(self.operators)) != len(self.operators):
            raise ValueError(f"operators|'{self.operators}'|each operator once")
        return self


class FileProblems(Section):
    """Problems in local files: JSONL, JSON, CSV or parquet."""

    kind: Literal["file"] = Field(description="which of the kinds this is")
    train: TablePath | None = Field(None, description="path of the training problems")
    test: TablePath | None = Field(None, description="path of the test problems")
    question: Text = Field("question", description="column with the question")
    answer: Text = Field(
        "answer",
        description="column with the gold answer: text, a number, a list of alternatives, or a"
        " solution that ends with '#### answer' or has it in a \\boxed{}",
    )
    id: Text | None = Field(None, description="column that names a problem; default: a hash")
    limit: Positive | None = Field(None, description="take only the first so many rows")


class HubProblems(Section):
    """Problems in a data set of the Hugging Face hub, at one pinned revision."""

    kind: Literal["hub"] = Field(description="which of the kinds this is")
    dataset: Text = Field(description="hub id, such as openai/gsm8k")
    revision: Revision = Field(description="full commit hash of the revision")
    config: Text | None = Field(None, description="the data set's own configuration name")
    train: Text | None = Field(None, description="split with the training problems")
    test: Text | None = Field(None, description="split with the test problems")
    question: Text = Field("question", description="column with the question")
    answer: Text = Field(
        "answer",
        description="column with the gold answer: text, a number, a list of alternatives, or a"
        " solution that ends with '#### answer' or has it in a \\boxed{}",
    )
    id: Text | None = Field(None, description="column that names a problem; default: a hash")
    limit: Positive | None = Field(None, description="take only the first so many rows")


Problems = Annotated[ArithmeticProblems | FileProblems | HubProblems, Field(discriminator="kind")]


# --- teachers and corpora ---------------------------------------------------------------------


class ProceduralTeacher(Section):
    """A procedure that writes true traces for arithmetic problems, in a long or a short style."""

    kind: Literal["procedure"] = Field(description="which of the kinds this is")
    style: Literal["long", "short"] = Field(description="long: thinks in <think>; short: does not")
    double_check: Share = Field(0.5, description="chance, per step, of checking it again (long)")
    second_thought: Share = Field(0.3, description="chance, per step, of a second thought (long)")
    wrong_turn: Share = Field(0.2, description="chance, per step, of a mended slip (long)")
    final_pass: Share = Field(1.0, description="chance of a last pass over the whole sum (long)")
    seed: Seed = Field(0, description="seed of the wording and of what happens at each step")

    @model_validator(mode="after")
    def _short_has_no_rates(self) -> "ProceduralTeacher":
        for rate in ("double_check", "second_thought", "wrong_turn", "final_pass"):
            value = getattr(self, rate)
            if self.style == "short" and value != type(self).model_fields[rate].default:
                raise ValueError(f"{rate}|{value}|no rate: 'style: short' never reflects")
        return self


class FileTeacher(Section):
    """Traces that exist already, in a local file: JSONL, JSON, CSV or parquet."""

    kind: Literal["file"] = Field(description="which of the kinds this is")
    path: TablePath = Field(description="path of the file")
    question: Text = Field("question", description="column with the question")
    response: Text = Field("response", description="column with the whole response")
    fallback: list[Literal["final_answer", "last_number"]] = Field(
        [], description="where to look for an answer when there is no \\boxed{}"
    )


Teacher = Annotated[ProceduralTeacher | FileTeacher, Field(discriminator="kind")]


class Corpus(Section):
    """All traces of one teacher on the training problems of one problem set."""

    teacher: Name = Field(description="name of an entry of `teachers`")
    problems: Name = Field(description="name of an entry of `problems`")


# --- recipes ----------------------------------------------------------------------------------


class Prune(Section):
    """Cut each trace to what the student needs (arXiv 2505.18440).

    The paper's decoding, number of samples per check and step limits are not known; these are ours.
    """

    recipe: Name = Field(description="name of the recipe whose traces are cut")
    cutter: Literal["binary", "full", "none"] = Field(
        "binary",
        description="how the cut is searched; full: keep whole what validates whole; none: keep"
        " all",
    )
    prompt_style: Literal["instruction", "continue"] = Field(
        "continue", description="steps in the user's message, or as the student's own thinking"
    )
    instruction: Text = Field(
        "Give the final answer based only on these thinking steps.",
        description="what the student is asked for in the `instruction` style",
    )
    lead_in: str = Field(
        "The answer is \\boxed{", description="start of the answer that the student continues"
    )
    samples_per_check: Positive = Field(1, description="answers per validated cut")
    agreement: Annotated[float, Field(gt=0.0, le=1.0)] = Field(
        1.0, description="share of those answers that must be right"
    )
    temperature: Annotated[float, Field(ge=0.0)] = Field(0.0, description="0 is greedy")
    top_p: Annotated[float, Field(gt=0.0, le=1.0)] = Field(1.0, description="nucleus sampling")
    max_tokens: Positive = Field(32, description="longest answer of the validator, in tokens")
    min_steps_to_cut: Positive = Field(2, description="shorter traces are left as they are")
    min_steps: Positive = Field(1, description="fewest steps that a cut leaves")
    invalid: Literal["drop", "keep"] = Field(
        "drop", description="what happens to a trace whose full length does not validate"
    )
    conclusion: Literal["teacher", "student"] = Field(
        "teacher", description="whose answer text follows the cut"
    )
    backend: Backend | None = Field(
        None, description="the validator's engine; default: that of `engine`"
    )
    seed: Seed = Field(0, description="seed of the validator's sampling")

    @model_validator(mode="after")
    def _greedy_once(self) -> "Prune":
        if self.temperature == 0.0 and self.samples_per_check > 1:
            raise ValueError(
                f"samples_per_check|{self.samples_per_check} at temperature 0|1, or a temperature"
                " above 0 (greedy samples of one check are all the same)"
            )
        return self


class Recipe(Section):
    """How a training set is made. Exactly one of `take`, `mix` and `prune`."""

    take: Name | None = Field(None, description="name of a corpus: its correct traces")
    mix: Annotated[dict[Name, Annotated[float, Field(gt=0.0)]], Field(min_length=1)] | None = Field(
        None, description="recipe -> weight; one trace per problem, weights are normalised"
    )
    prune: Prune | None = Field(None, description="on-policy pruning of another recipe's traces")
    size: Positive | None = Field(None, description="keep so many problems; default: all")
    seed: Seed = Field(0, description="seed of what is chosen: the problems, who answers which")

    @model_validator(mode="after")
    def _one_source(self) -> "Recipe":
        given = [key for key in ("take", "mix", "prune") if getattr(self, key) is not None]
        if len(given) != 1:
            found = "none" if not given else " and ".join(f"'{key}'" for key in given)
            raise ValueError(f"|{found}|exactly one of 'take', 'mix' and 'prune'")
        if given == ["prune"] and self.size is not None:
            raise ValueError("size|a size|no size beside 'prune'; set it on the recipe it prunes")
        if given == ["prune"] and self.seed != 0:
            raise ValueError("seed|a seed|'prune.seed': nothing else is chosen at random")
        return self


# --- training ---------------------------------------------------------------------------------


class Lora(Section):
    """Low-rank adapters in place of full fine-tuning; merged into the weights afterwards."""

    rank: Positive = Field(32, description="rank of the adapters")
    alpha: Annotated[float, Field(gt=0.0)] = Field(64.0, description="scale of the adapters")
    dropout: Annotated[float, Field(ge=0.0, lt=1.0)] = Field(0.0, description="adapter dropout")
    target: Literal["all-linear", "attention"] = Field(
        "all-linear", description="which projections get an adapter"
    )


class Sft(Section):
    """Supervised fine-tuning from the untouched student, loss on the response only."""

    epochs: Annotated[float, Field(gt=0.0)] = Field(2.0, description="passes over the training set")
    learning_rate: Annotated[float, Field(gt=0.0)] = Field(1.0e-5, description="peak learning rate")
    lr_scheduler: Literal["cosine", "linear", "constant"] = Field("cosine", description="decay")
    warmup_ratio: Share = Field(0.05, description="share of the steps that warm up")
    weight_decay: Annotated[float, Field(ge=0.0)] = Field(0.0, description="AdamW weight decay")
    batch_size: Positive = Field(
        8, description="examples (packed rows, with `packing`) per optimizer step"
    )
    max_length: Positive = Field(description="longest example, prompt included, in student tokens")
    over_length: Literal["drop", "truncate", "raise"] = Field(
        "drop", description="what happens to a longer one; the same for every arm, and counted"
    )
    packing: bool = Field(False, description="several examples per row, kept apart by attention")
    lora: Lora | None = Field(None, description="adapters; null trains every weight")
    precision: Precision = Field("auto", description="auto: bfloat16 where the hardware has it")


class Training(Section):
    """The training stages of every arm."""

    sft: Sft = Field(description="supervised fine-tuning, the same for every arm")


# --- evaluation -------------------------------------------------------------------------------


class Benchmark(Section):
    """A problem set's test problems with a protocol."""

    problems: Name = Field(description="name of an entry of `problems`")
    k: Positive = Field(1, description="samples per problem; the score is avg@k")
    temperature: Annotated[float, Field(ge=0.0)] = Field(0.0, description="0 is greedy")
    top_p: Annotated[float, Field(gt=0.0, le=1.0)] = Field(1.0, description="nucleus sampling")
    max_tokens: Positive = Field(description="longest response, in student tokens")
    seed: Seed = Field(0, description="seed of the sampling")
    fallback: list[Literal["final_answer", "last_number"]] = Field(
        [], description="where to look for an answer when there is no \\boxed{}"
    )
    relative_tolerance: Annotated[float, Field(gt=0.0)] | None = Field(
        None, description="how far a number may be off and still be right; default: not at all"
    )
    score_truncated: bool = Field(
        False, description="whether a response cut by the token limit may score"
    )

    @model_validator(mode="after")
    def _greedy_once(self) -> "Benchmark":
        if self.temperature == 0.0 and self.k > 1:
            raise ValueError(
                f"k|{self.k} samples at temperature 0|k: 1, or a temperature above 0 (greedy"
                " samples of one problem are all the same)"
            )
        return self


class Gap(Section):
    """A difference between two recipes, such as Δ_Long of arXiv 2502.12143."""

    of: Name = Field(description="recipe whose accuracy is counted")
    minus: Name = Field(description="recipe whose accuracy is taken off")


class Judge(Section):
    """A language model that is asked about every answer that the rule calls wrong.

    The rule-then-judge score of arXiv 2502.12143 is `rule_or_judge` in audit.csv. How the endpoint
    is reached decides no result: another address, key or number of requests reruns nothing.
    """

    model: Text = Field(description="name of the model, as the endpoint knows it")
    max_tokens: Positive = Field(20, description="longest reply, in the judge's tokens")
    base_url_env: Variable = Field(
        "OPENAI_BASE_URL", description="environment variable that holds the endpoint's base URL"
    )
    api_key_env: Variable = Field(
        "OPENAI_API_KEY", description="environment variable that holds the key; may be unset"
    )
    concurrency: Positive = Field(64, description="requests under way at most")


class Audit(Section):
    """Other opinions on the verdicts, in audit.csv and disagreements.csv; no score changes."""

    math_verify: bool = Field(
        False, description="ask math-verify about every answer; needs `make math-verify`"
    )
    judge: Judge | None = Field(None, description="ask a language model about wrong answers")

    @model_validator(mode="after")
    def _someone_is_asked(self) -> "Audit":
        if not self.math_verify and self.judge is None:
            expected = "'math_verify: true', a 'judge' or both; or no 'audit' at all"
            raise ValueError(f"|nobody to ask|{expected}")
        return self


class Engine(Section):
    """What generates, for samples and for pruning."""

    backend: Backend = Field("vllm", description="vLLM, or transformers where vLLM does not run")
    precision: Precision = Field("auto", description="auto: bfloat16 where the hardware has it")


class Prompt(Section):
    """How a question is put to a student: the same in training, pruning and scoring."""

    instruction: Text | None = Field(None, description="text added after the question")


class Config(Section):
    """One experiment."""

    experiment: Name = Field(description="name of the folder under results/")
    seeds: Annotated[list[Seed], Field(min_length=1)] = Field([0], description="seeds of training")
    models: Annotated[dict[Name, Model], Field(min_length=1)] = Field(
        description="where each model comes from; an unused entry costs nothing"
    )
    problems: Annotated[dict[Name, Problems], Field(min_length=1)] = Field(
        description="questions with gold answers, to train and to test on"
    )
    teachers: dict[Name, Teacher] = Field({}, description="what writes traces")
    corpora: dict[Name, Corpus] = Field({}, description="traces of a teacher on a problem set")
    recipes: dict[Name, Recipe] = Field({}, description="how each training set is made")
    students: Annotated[list[Name], Field(min_length=1)] = Field(description="names of `models`")
    prompt: Prompt = Field(Prompt(), description="how questions are put to the students")
    training: Training | None = Field(None, description="required where there are recipes")
    benchmarks: Annotated[dict[Name, Benchmark], Field(min_length=1)] = Field(
        description="what every arm is scored on"
    )
    gaps: dict[Name, Gap] = Field({}, description="differences between recipes to report")
    engine: Engine = Field(Engine(), description="what generates text")
    audit: Audit | None = Field(None, description="other opinions on the verdicts; off by default")
