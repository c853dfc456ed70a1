"""`screening` and `recipes`: how training sets are made of corpora."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from cotdistil.config.pruning import Prune
from cotdistil.config.types import Name, Positive, Section, Seed


class Screening(Section):
    """Which training problems are removed before anything is learned from their traces.

    Removed are always those whose normalised text is that of an earlier one or of a benchmark's
    question; what was removed, with what it matched, is in tables/contamination.csv.
    """

    near_duplicates: Annotated[float, Field(gt=0.0, lt=1.0)] | None = Field(
        0.8,
        description="remove a problem with the same numbers as an earlier one and so large a share"
        " of word 3-grams in common (Jaccard); null: keep it",
    )
    ngram: Annotated[int, Field(ge=3)] | None = Field(
        13,
        description="remove a problem that shares so many words in a row with a benchmark's"
        " question; null: only where the whole text is the same",
    )
    against: list[Name] | None = Field(
        None, description="names of `benchmarks`; default: all of them; []: none"
    )


class Recipe(Section):
    """How a training set is made. Exactly one of `take`, `mix` and `prune`."""

    take: Name | None = Field(None, description="name of a corpus: its traces, screened")
    correct_only: bool = Field(
        True, description="with `take`: only traces that are correct and not known to be cut off"
    )
    max_tokens: Positive | None = Field(
        None,
        description="with `take`: longest response, in the student's tokens; what happens to a"
        " longer one, before any is chosen, is `training.sft.over_length`",
    )
    choose: Literal["first", "random", "shortest", "all"] = Field(
        "first", description="with `take`: which of a problem's traces; shortest: in characters"
    )
    shared_with: list[Name] = Field(
        [],
        description="with `take`: corpora; only problems for which each has such a trace as well"
        " (two recipes that name each other's corpus have the same problems if `correct_only` and"
        " `max_tokens` are the same in both)",
    )
    mix: Annotated[dict[Name, Annotated[float, Field(gt=0.0)]], Field(min_length=1)] | None = Field(
        None, description="recipe -> weight; one of them answers each problem that all have"
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
        for key in ("correct_only", "max_tokens", "choose", "shared_with"):
            value = getattr(self, key)
            if given != ["take"] and value != type(self).model_fields[key].default:
                raise ValueError(
                    f"{key}|{value}|it only beside 'take'; set it on the recipes that this one is"
                    " made of"
                )
        if given == ["prune"] and self.size is not None:
            raise ValueError("size|a size|no size beside 'prune'; set it on the recipe it prunes")
        if given == ["prune"] and self.seed != 0:
            raise ValueError("seed|a seed|'prune.seed': nothing else is chosen at random")
        return self
