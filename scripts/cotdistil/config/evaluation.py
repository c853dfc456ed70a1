"""`benchmarks`, `gaps`, `audit`, `engine` and `prompt`: how arms are scored."""

from typing import Annotated

from pydantic import Field, model_validator

from cotdistil.config.types import (
    FALLBACK,
    Backend,
    Fallback,
    Name,
    Positive,
    Precision,
    Section,
    Seed,
    Temperature,
    Text,
    Variable,
)


class Benchmark(Section):
    """A problem set's test problems with a protocol."""

    problems: Name = Field(description="name of an entry of `problems`")
    without: list[Name] = Field(
        [],
        description="problem sets; questions that are among their training problems are not asked",
    )
    k: Positive = Field(1, description="samples per problem; the score is avg@k")
    temperature: Temperature = Field(0.0, description="0 is greedy")
    top_p: Annotated[float, Field(gt=0.0, le=1.0)] = Field(1.0, description="nucleus sampling")
    max_tokens: Positive = Field(description="longest response, in student tokens")
    seed: Seed = Field(0, description="seed of the sampling")
    fallback: Fallback = Field([], description=FALLBACK)
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
    """What generates: traces of teachers of kind `model`, cuts to validate, samples."""

    backend: Backend = Field("vllm", description="vLLM, or transformers where vLLM does not run")
    precision: Precision = Field("auto", description="auto: bfloat16 where the hardware has it")
    gpu_memory_share: Annotated[float, Field(gt=0.0, le=1.0)] | None = Field(
        None, description="share of a GPU's memory that vLLM takes; decides no result"
    )


class Prompt(Section):
    """How a question is put to a student: the same in training, pruning and scoring."""

    instruction: Text | None = Field(None, description="text added after the question")
