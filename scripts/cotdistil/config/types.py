"""The types that the sections of a config are made of."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

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
Temperature = Annotated[float, Field(ge=0.0, le=2.0)]
TEXT_PATTERN = r"\S"
Text = Annotated[str, Field(pattern=TEXT_PATTERN)]
TABLE_PATTERN = r"\.(jsonl|json|csv|parquet)$"
TablePath = Annotated[str, Field(pattern=TABLE_PATTERN)]
Range = Annotated[list[int], Field(min_length=2, max_length=2)]
Precision = Literal["auto", "float32", "bfloat16"]
Backend = Literal["vllm", "transformers"]
Cell = str | int | float | bool
Fallback = list[Literal["final_answer", "last_number"]]
FALLBACK = "where to look for an answer when there is no \\boxed{}"


class Section(BaseModel):
    """Strict: an unknown key or a value of another type is an error, never a guess."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)
