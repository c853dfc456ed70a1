"""`teachers` and `corpora`: what writes traces, on which problems."""

from typing import Annotated, Literal

from pydantic import Field, JsonValue, model_validator

from cotdistil.config.types import (
    FALLBACK,
    Backend,
    Cell,
    Fallback,
    Name,
    Positive,
    Revision,
    Section,
    Seed,
    Share,
    TablePath,
    Temperature,
    Text,
    Variable,
)


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


class ExistingTraces(Section):
    """Which columns of a table hold what; each row is about one problem."""

    question: Text = Field("question", description="column with the question")
    response: Text = Field(
        "response", description="column with the whole response, or with a list of responses"
    )
    thinking: Text | None = Field(
        None, description="column with the thinking, where it stands apart from the response"
    )
    correct: Text | None = Field(
        None,
        description="column with verdicts to go by, one per response; default: the grader decides",
    )
    complete: Text | None = Field(
        None, description="column that says whether each response came to its end"
    )
    finish_reason: Text | None = Field(
        None,
        description="column that says why each response ended; where `complete` says nothing, one"
        " that ended by `length` is cut off and one by `stop` is not",
    )
    where: dict[Text, Cell | Annotated[list[Cell], Field(min_length=1)]] = Field(
        {}, description="column -> value, or list of values: only rows that have it are read"
    )
    fallback: Fallback = Field([], description=FALLBACK)


class FileTeacher(ExistingTraces):
    """Traces that exist already, in a local file: JSONL, JSON, CSV or parquet."""

    kind: Literal["file"] = Field(description="which of the kinds this is")
    path: TablePath = Field(description="path of the file")


class HubTeacher(ExistingTraces):
    """Traces that exist already, in a data set of the Hugging Face hub at one pinned revision."""

    kind: Literal["hub"] = Field(description="which of the kinds this is")
    dataset: Text = Field(description="hub id, such as open-r1/OpenR1-Math-220k")
    revision: Revision = Field(description="full commit hash of the revision")
    config: Text | None = Field(None, description="the data set's own configuration name")
    split: Text = Field("train", description="split with the traces")


class GeneratingTeacher(Section):
    """How a model is asked for traces. Each response is kept as soon as it is there.

    More samples, more problems, other shards or a rerun after a kill ask only for what is missing.
    """

    instruction: Text | None = Field(None, description="text added after the question")
    system: Text | None = Field(None, description="system message; default: none")
    samples: Positive = Field(1, description="responses per problem; tries, with `until_correct`")
    until_correct: bool = Field(
        False, description="rejection sampling: stop at a problem's first correct response"
    )
    temperature: Temperature = Field(0.0, description="0 is greedy")
    top_p: Annotated[float, Field(gt=0.0, le=1.0)] = Field(1.0, description="nucleus sampling")
    max_tokens: Positive = Field(description="longest response, in the teacher's tokens")
    seed: Seed = Field(0, description="seed of the sampling")
    fallback: Fallback = Field([], description=FALLBACK)
    shards: Positive = Field(1, description="jobs that share the work, each with its own engine")

    @model_validator(mode="after")
    def _greedy_once(self) -> "GeneratingTeacher":
        if self.temperature == 0.0 and self.samples > 1:
            raise ValueError(
                f"samples|{self.samples} at temperature 0|1, or a temperature above 0 (greedy"
                " responses to one problem are all the same)"
            )
        if self.until_correct and self.samples == 1:
            raise ValueError(
                "until_correct|true with one sample|more 'samples', which are the tries per"
                " problem, or no 'until_correct'"
            )
        return self


class ModelTeacher(GeneratingTeacher):
    """A model of `models` that writes traces here, with vLLM or transformers."""

    kind: Literal["model"] = Field(description="which of the kinds this is")
    model: Name = Field(description="name of an entry of `models`")
    backend: Backend | None = Field(None, description="its engine; default: that of `engine`")


class Price(Section):
    """What an endpoint charges, in any currency, per million tokens."""

    prompt: Annotated[float, Field(ge=0.0)] = Field(description="of prompts")
    completion: Annotated[float, Field(ge=0.0)] = Field(description="of responses, thinking too")


class EndpointTeacher(GeneratingTeacher):
    """A model behind an OpenAI-compatible endpoint.

    How the endpoint is reached decides no result: another address, key, number of requests,
    time-out, budget or price asks nothing again.
    """

    kind: Literal["endpoint"] = Field(description="which of the kinds this is")
    model: Text = Field(description="name of the model, as the endpoint knows it")
    extra_body: dict[Text, JsonValue] = Field(
        {}, description="further fields of every request, such as top_k or reasoning_effort"
    )
    base_url_env: Variable = Field(
        "OPENAI_BASE_URL", description="environment variable that holds the endpoint's base URL"
    )
    api_key_env: Variable = Field(
        "OPENAI_API_KEY", description="environment variable that holds the key; may be unset"
    )
    concurrency: Positive = Field(64, description="requests under way at most")
    timeout_seconds: Annotated[float, Field(gt=0.0)] = Field(
        600.0, description="seconds without a token until a request is tried again"
    )
    token_budget: Positive | None = Field(
        None, description="stop asking at so many tokens of prompts and responses; per shard"
    )
    price: Price | None = Field(None, description="price per million tokens, for the ledger")

    @model_validator(mode="after")
    def _own_fields(self) -> "EndpointTeacher":
        own = {"model", "messages", "temperature", "top_p", "max_tokens", "seed", "n"}
        own |= {"stream_options"}
        for field in self.extra_body:
            if field in own:
                raise ValueError(
                    f"extra_body|the field '{field}'|other fields; this one has a key of its own or"
                    " is set by the workflow"
                )
        return self


Teacher = Annotated[
    ProceduralTeacher | FileTeacher | HubTeacher | ModelTeacher | EndpointTeacher,
    Field(discriminator="kind"),
]


class Corpus(Section):
    """All traces of one teacher on the training problems of one problem set."""

    teacher: Name = Field(description="name of an entry of `teachers`")
    problems: Name = Field(description="name of an entry of `problems`")
