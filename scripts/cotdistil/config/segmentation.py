"""`recipes.NAME.prune.segmentation`: a model says where the steps of the thinking begin."""

from typing import Annotated

from pydantic import Field

from cotdistil.config.types import Backend, Name, Positive, Section, Seed, Temperature, Text

INSTRUCTION = (
    "Above is somebody's thinking about a problem, in numbered pieces. Divide it into steps. A step"
    " is one unit of the reasoning: setting something up, one calculation, a conclusion, a check of"
    " what was found, or the beginning of another approach. It may have one piece or many. Write"
    " the numbers of the pieces that begin a new step, separated by commas, and nothing else."
)


class Segmentation(Section):
    """A model says where the steps begin, as in arXiv 2505.18440; of the text nothing changes.

    It is shown sentences and lines with numbers and asked which of them begin a step. Where its
    answer is no list of numbers, is cut off or was not asked for because the prompt is too long,
    the steps are those of the rule, and are counted. The paper's prompt is not published; this one
    is ours.
    """

    model: Name = Field(description="name of an entry of `models`; the paper: Qwen2.5-14B")
    instruction: Text = Field(INSTRUCTION, description="what it is asked, below the pieces")
    system: Text | None = Field(None, description="system message; default: none")
    window: Positive = Field(
        6000, description="so many characters of thinking are shown at once, cut between steps"
    )
    temperature: Temperature = Field(0.0, description="0 is greedy")
    top_p: Annotated[float, Field(gt=0.0, le=1.0)] = Field(1.0, description="nucleus sampling")
    max_tokens: Positive = Field(1024, description="longest answer, in the model's tokens")
    seed: Seed = Field(0, description="seed of the sampling")
    backend: Backend | None = Field(None, description="its engine; default: that of `engine`")
