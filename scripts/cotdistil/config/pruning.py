"""`recipes.NAME.prune`: how traces are cut to what the student needs."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from cotdistil.config.segmentation import Segmentation
from cotdistil.config.types import Backend, Name, Positive, Section, Seed, Temperature, Text
from cotdistil.responses import CLOSE, OPEN

UNVALIDATED = ("first_correct", "random", "none")
"""The cutters that ask no student."""


class Prune(Section):
    """Cut each trace to what the student needs (arXiv 2505.18440).

    The paper's decoding, number of samples per check and step limits are not known; these are ours.
    What a cutter does not use decides nothing: the keys from `prompt_style` to `backend` belong to
    those that validate (binary, halving, linear, full, inner).
    """

    recipe: Name = Field(description="name of the recipe whose traces are cut")
    cutter: Literal[
        "binary", "halving", "linear", "full", "inner", "first_correct", "random", "none"
    ] = Field(
        "binary",
        description="how the cut is searched. binary: bisection with backtracking, as in the paper;"
        " halving: the same without backtracking; linear: the shortest prefix that validates, a"
        " check for each step; full: keep whole what validates whole; inner: binary, then steps"
        " removed from within; first_correct: behind the first step that gives the answer; random:"
        " a prefix as long as those of the recipe `like`; none: keep all",
    )
    start: Literal["middle", "answer"] = Field(
        "middle",
        description="with binary and inner: the first cut asked about. middle: as in the paper;"
        " answer: behind the first step that gives the answer, where there is one: less to read,"
        " one check more at most, and the same cut where every longer prefix validates too",
    )
    segmentation: Segmentation | None = Field(
        None, description="a model that says where the steps begin; default: by rule"
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
    temperature: Temperature = Field(
        0.0,
        description="0 is greedy; above it, what is kept is asked about once more, greedily, and"
        " counts as invalid if that fails",
    )
    top_p: Annotated[float, Field(gt=0.0, le=1.0)] = Field(1.0, description="nucleus sampling")
    max_tokens: Positive = Field(32, description="longest answer of the validator, in tokens")
    min_steps_to_cut: Positive = Field(2, description="shorter traces are left as they are")
    min_steps: Positive = Field(1, description="fewest steps that a cut leaves")
    invalid: Literal["drop", "keep"] = Field(
        "drop",
        description="what happens to a trace whose full length does not validate, or with"
        " first_correct gives no answer",
    )
    conclusion: Literal["teacher", "student"] = Field(
        "teacher", description="whose answer text follows the cut"
    )
    removable: Literal["reflections", "any"] = Field(
        "reflections",
        description="with inner: the steps that may go; reflections: those that open with Wait,"
        " Alternatively, Let me check and the like, and find no fault",
    )
    inner_checks: Positive = Field(
        32, description="with inner: most checks of a trace after the binary cutting"
    )
    like: Name | None = Field(
        None,
        description="with random: the recipe, of the same traces, whose kept shares are dealt out"
        " anew among its traces",
    )
    backend: Backend | None = Field(
        None, description="the validator's engine; default: that of `engine`"
    )
    seed: Seed = Field(0, description="seed of the validator's sampling and of random cutting")

    @model_validator(mode="after")
    def _greedy_once(self) -> Self:
        if self.temperature == 0.0 and self.samples_per_check > 1:
            raise ValueError(
                f"samples_per_check|{self.samples_per_check} at temperature 0|1, or a temperature"
                " above 0 (greedy samples of one check are all the same)"
            )
        return self

    @model_validator(mode="after")
    def _answer_without_tags(self) -> Self:
        for tag in (OPEN, CLOSE):
            if tag in self.lead_in:
                raise ValueError(
                    f"lead_in|{self.lead_in!r}|a text without '{tag}', which is written where it is"
                    " needed"
                )
        return self

    @model_validator(mode="after")
    def _like_with_random(self) -> Self:
        if self.cutter == "random" and self.like is None:
            raise ValueError(
                "like|nothing|with 'cutter: random' the name of a recipe that prunes the same"
                " traces"
            )
        if self.cutter != "random" and self.like is not None:
            raise ValueError(f"like|'{self.like}'|it only with 'cutter: random'; leave it out")
        return self

    @model_validator(mode="after")
    def _segmentation_of_something(self) -> Self:
        if self.segmentation is not None and self.cutter == "none":
            raise ValueError(
                "segmentation|one with 'cutter: none'|a cutter that cuts; leave out one of the two"
            )
        return self

    @model_validator(mode="after")
    def _students_conclusion(self) -> Self:
        if self.conclusion == "student" and self.cutter in UNVALIDATED:
            raise ValueError(
                f"conclusion|'student' with 'cutter: {self.cutter}'|'teacher', because that cutter"
                " asks no student"
            )
        return self
