"""The config: its types. `file.py` turns what pydantic finds into messages for people.

Every key that a user can write is declared in this package, with its type, its default and one
line that says what it means; `config/schema.json` and `config/README.md` are generated from it.
Whatever is in here and reaches a node's `params` decides results; threads, memory and GPUs belong
in profiles.
"""

from typing import Annotated

from pydantic import Field

from cotdistil.config.browsing import TraceBrowser
from cotdistil.config.evaluation import Audit, Benchmark, Engine, Gap, Prompt
from cotdistil.config.models import Model
from cotdistil.config.problems import Problems
from cotdistil.config.recipes import Recipe, Screening
from cotdistil.config.teachers import Corpus, Teacher
from cotdistil.config.training import Training
from cotdistil.config.types import Name, Section, Seed


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
    screening: Screening = Field(
        Screening(), description="which training problems are removed as duplicates or as tested on"
    )
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
    trace_browser: TraceBrowser | None = Field(
        TraceBrowser(), description="pages to read the training sets' traces in; null: none"
    )
