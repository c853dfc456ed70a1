"""`problems`: questions with gold answers."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from cotdistil.config.types import (
    OPERATORS_PATTERN,
    Positive,
    Range,
    Revision,
    Section,
    Seed,
    Share,
    TablePath,
    Text,
)


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
