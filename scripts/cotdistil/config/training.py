"""`training`: the stages that every arm goes through."""

from typing import Annotated, Literal

from pydantic import Field

from cotdistil.config.types import Positive, Precision, Section, Share


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
