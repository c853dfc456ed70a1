"""Both engines write what the model itself would write, token by token."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cotdistil.engines import Completion, Engine, Request, Sampling, find_stop_tokens, load_engine
from cotdistil.errors import UserError
from tiny_model import make_tiny_model

CONTEXT = 512
OPTIONS = {"precision": "float32", "max_context": CONTEXT, "threads": 1, "gpus": 0}
GREEDY = Sampling(max_tokens=80)
SLOTS = 4
BEGINNING = "<|im_start|>user\n"
# More prompts than slots, from one token to hundreds, some alike, in no order of length.
TEXTS = [
    BEGINNING + "What is 17 + 25?",
    "a",
    BEGINNING + "x" * 300,
    "ab",
    BEGINNING + "What is 17 + 26?",
    "The quick brown fox jumps over the lazy dog. " * 3,
    BEGINNING + "What is 17 + 25?",
    BEGINNING,
    "How many r are in strawberry?",
    "Compute \\frac{1}{2}.",
]


def greedy_reference(folder: Path, prompts: list[list[int]], max_tokens: int) -> list[list[int]]:
    """What plain transformers writes: one prompt at a time, without any cache."""
    import torch
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(folder).eval()
    with torch.inference_mode():
        return [
            model.generate(
                torch.tensor([prompt]),
                attention_mask=torch.ones(1, len(prompt), dtype=torch.long),
                do_sample=False,
                use_cache=False,
                max_new_tokens=max_tokens,
            )[0, len(prompt) :].tolist()
            for prompt in prompts
        ]


def assert_same_tokens(
    engine: Engine, prompts: list[list[int]], expected: list[list[int]], sampling: Sampling
) -> None:
    completions = engine.generate(prompts, sampling, [0] * len(prompts))
    eos = engine.tokenizer.eos_token_id
    for completion, tokens in zip(completions, expected, strict=True):
        assert completion.text == engine.tokenizer.decode(tokens, skip_special_tokens=True)
        assert completion.token_count == len(tokens)
        assert completion.finish_reason == ("stop" if tokens[-1] == eos else "length")


class Source:
    """Requests that arrive by and by. `given`: how many were read. `lot`: says whether to pause."""

    def __init__(self, requests: list[Request], lot: random.Random | None = None):
        self.waiting = list(requests)
        self.lot = lot
        self.given = 0
        self.finished = 0

    def __iter__(self) -> Source:
        return self

    def __next__(self) -> Request:
        pauses = self.lot is not None and self.given > self.finished and self.lot.random() < 0.6
        if pauses or not self.waiting:
            raise StopIteration
        self.given += 1
        return self.waiting.pop(0)


def as_requests(prompts: list[list[int]]) -> list[Request]:
    return [Request(f"r{number}", prompt, number) for number, prompt in enumerate(prompts)]


def collect(engine: Engine, source: Source, sampling: Sampling) -> dict[str, Completion]:
    completions = {}
    for request_id, completion in engine.stream(source, sampling):
        assert request_id not in completions
        completions[request_id] = completion
        source.finished += 1
    return completions


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_model(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def prompts(folder: Path) -> list[list[int]]:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    return [tokenizer.encode(text, add_special_tokens=False) for text in TEXTS]


@pytest.fixture(scope="module")
def reference(folder: Path, prompts: list[list[int]]) -> list[list[int]]:
    return greedy_reference(folder, prompts, GREEDY.max_tokens)


@pytest.fixture(scope="module", params=["transformers", "vllm"])
def engine(request: pytest.FixtureRequest, folder: Path) -> Iterator[Engine]:
    with pytest.MonkeyPatch.context() as patch:
        # What vLLM sets for its process is undone afterwards.
        for name in ("OMP_NUM_THREADS", "HF_HUB_OFFLINE", "VLLM_ENABLE_V1_MULTIPROCESSING"):
            patch.setenv(name, "1")
        patch.setattr("cotdistil.engines.transformers_engine.MAX_ROWS", SLOTS)
        patch.setattr("cotdistil.engines.vllm_engine.MAX_SEQUENCES", SLOTS)
        loaded = load_engine(request.param, folder, **OPTIONS)
        yield loaded
        loaded.close()


def test_greedy_decoding_is_what_plain_transformers_writes_without_a_cache(
    engine: Engine, prompts: list[list[int]], reference: list[list[int]]
) -> None:
    assert {tokens[-1] == engine.tokenizer.eos_token_id for tokens in reference} == {True, False}
    assert_same_tokens(engine, prompts, reference, GREEDY)


def test_the_count_of_finished_responses_grows_to_the_number_of_prompts(
    engine: Engine, prompts: list[list[int]]
) -> None:
    counts: list[int] = []
    engine.generate(prompts, Sampling(max_tokens=3), [0] * len(prompts), counts.append)
    assert counts == sorted(set(counts))
    assert counts[-1] == len(prompts)


def test_a_request_draws_the_same_tokens_whatever_is_generated_beside_it(
    engine: Engine, prompts: list[list[int]]
) -> None:
    sampling = Sampling(max_tokens=12, temperature=1.0, top_p=0.9)
    seeds = list(range(len(prompts)))
    together = engine.generate(prompts, sampling, seeds)
    alone = [
        engine.generate([prompt], sampling, [seed])[0]
        for prompt, seed in zip(prompts, seeds, strict=True)
    ]
    backwards = engine.generate(prompts[::-1], sampling, seeds[::-1])[::-1]
    assert together == alone == backwards
    repeated = engine.generate([prompts[0]] * 5, sampling, seeds[:5])
    assert len({completion.text for completion in repeated}) == 5


def test_a_prompt_that_leaves_too_little_room_is_refused_before_anything_is_generated(
    engine: Engine, prompts: list[list[int]]
) -> None:
    def never(done: int) -> None:
        raise AssertionError(f"{done} responses were generated")

    fits = [5] * (CONTEXT - 4)
    assert engine.generate([fits], Sampling(max_tokens=4), [0])[0].token_count <= 4
    with pytest.raises(UserError, match=r"prompt 1 has 509 tokens and max_tokens is 4: 513 in all"):
        engine.generate([prompts[0], [*fits, 5]], Sampling(max_tokens=4), [0, 0], never)
    with pytest.raises(UserError, match="prompt 1 is empty"):
        engine.generate([prompts[0], []], Sampling(max_tokens=4), [0, 0], never)
    assert engine.generate([], GREEDY, []) == []


def test_a_stream_writes_what_generate_writes(engine: Engine, prompts: list[list[int]]) -> None:
    for sampling in (GREEDY, Sampling(max_tokens=12, temperature=1.0, top_p=0.9)):
        expected = engine.generate(prompts, sampling, list(range(len(prompts))))
        found = collect(engine, Source(as_requests(prompts)), sampling)
        assert [found[f"r{number}"] for number in range(len(prompts))] == expected
    assert collect(engine, Source([]), GREEDY) == {}


def test_a_stream_is_fed_as_responses_finish_and_no_earlier(
    engine: Engine, prompts: list[list[int]]
) -> None:
    source = Source(as_requests(prompts * 2))
    for done, _ in enumerate(engine.stream(source, Sampling(max_tokens=30))):
        assert source.given <= SLOTS + done
        # Several may finish in one step; only then are fewer under way.
        assert source.given > done
        if done == 0:
            assert source.given == SLOTS
    assert source.given == len(prompts) * 2


@pytest.mark.parametrize("lot", range(6))
def test_requests_may_arrive_at_any_time_and_with_any_length(
    engine: Engine, prompts: list[list[int]], reference: list[list[int]], lot: int
) -> None:
    requests = as_requests(prompts)
    random.Random(lot).shuffle(requests)
    found = collect(engine, Source(requests, random.Random(lot)), GREEDY)
    for number, tokens in enumerate(reference):
        completion = found[f"r{number}"]
        assert completion.text == engine.tokenizer.decode(tokens, skip_special_tokens=True)
        assert completion.token_count == len(tokens)


def test_a_stream_that_has_nothing_under_way_asks_once_more(
    engine: Engine, prompts: list[list[int]], reference: list[list[int]]
) -> None:
    # Each begins in a shorter way like those before it.
    order = [0, 4, 2, 1]
    coming = [Request(str(number), prompts[number], 0) for number in order]
    source = Source(coming[:1])
    found = []
    for request_id, completion in engine.stream(source, GREEDY):
        found.append(int(request_id))
        expected = engine.tokenizer.decode(reference[found[-1]], skip_special_tokens=True)
        assert completion.text == expected
        source.waiting = coming[len(found) : len(found) + 1]
    assert found == order


def test_special_tokens_are_kept_where_they_are_asked_for_but_for_the_one_that_ends_the_text(
    engine: Engine, prompts: list[list[int]]
) -> None:
    sampling = Sampling(max_tokens=80, temperature=2.0)
    plain = engine.generate(prompts, sampling, list(range(len(prompts))))
    stream = engine.stream(iter(as_requests(prompts)), sampling, keep_special_tokens=True)
    kept = dict(stream)
    special = re.compile(r"<\|im_start\|>|<\|pad\|>")
    found = 0
    for number, without in enumerate(plain):
        with_special = kept[f"r{number}"]
        found += len(special.findall(with_special.text))
        assert "<|im_end|>" not in with_special.text
        assert not special.search(without.text)
        # Bytes that make up a character may stand on both sides of a special token.
        texts = [special.sub("", with_special.text), without.text]
        first, second = (text.encode("ascii", "ignore") for text in texts)
        assert first == second
        assert with_special.token_count == without.token_count
        assert with_special.finish_reason == without.finish_reason
    assert found > 0
    assert {completion.finish_reason for completion in plain} == {"stop", "length"}


def test_after_a_stream_that_was_closed_or_that_failed_the_engine_goes_on(
    engine: Engine, prompts: list[list[int]], reference: list[list[int]]
) -> None:
    stream = engine.stream(iter(as_requests(prompts)), GREEDY)
    next(stream)
    stream.close()
    unfit = Request("too long", [5] * CONTEXT, 0)
    with pytest.raises(UserError, match=r"prompt too long has 512 tokens and max_tokens is 80"):
        collect(engine, Source([*as_requests(prompts[:2]), unfit]), GREEDY)
    assert_same_tokens(engine, prompts, reference, GREEDY)


@pytest.mark.parametrize(
    ("model_type", "settings_of_type"),
    [
        ("qwen3", {}),
        ("mistral", {"sliding_window": 16}),
        ("gemma3_text", {"sliding_window": 16, "tie_word_embeddings": False}),
    ],
)
def test_other_architectures_and_sliding_windows_decode_as_plain_transformers_does(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    prompts: list[list[int]],
    model_type: str,
    settings_of_type: dict,
) -> None:
    monkeypatch.setattr("cotdistil.engines.transformers_engine.MAX_ROWS", SLOTS)
    model = make_tiny_model(tmp_path, model_type=model_type, **settings_of_type)
    sampling = Sampling(max_tokens=24)
    expected = greedy_reference(model, prompts[:7], sampling.max_tokens)
    engine = load_engine("transformers", model, **OPTIONS)
    assert_same_tokens(engine, prompts[:7], expected, sampling)


@pytest.mark.parametrize("backend", ["transformers", "vllm"])
def test_a_context_beyond_the_models_positions_is_refused_at_loading(
    folder: Path, backend: str
) -> None:
    with pytest.raises(UserError, match=r"has 1024 positions, but .* may take 1025 tokens"):
        load_engine(backend, folder, **OPTIONS | {"max_context": 1025})


def test_an_unknown_backend_or_precision_is_named(folder: Path) -> None:
    with pytest.raises(UserError, match="found 'sglang'; expected one of vllm, transformers"):
        load_engine("sglang", folder, **OPTIONS)
    with pytest.raises(UserError, match="precision: found 'float8'"):
        load_engine("transformers", folder, **OPTIONS | {"precision": "float8"})


@pytest.mark.parametrize(
    ("name", "value"), [("max_tokens", 0), ("temperature", -0.1), ("top_p", 0.0), ("top_p", 1.1)]
)
def test_impossible_sampling_settings_are_named(name: str, value: float) -> None:
    with pytest.raises(UserError, match=f"{name}: found {value}"):
        Sampling(**{"max_tokens": 1, name: value})


@pytest.mark.parametrize("pad_is_eos", [False, True])
def test_a_response_ends_at_what_config_tokenizer_and_chat_template_name_together(
    tmp_path: Path, pad_is_eos: bool
) -> None:
    from transformers import AutoTokenizer

    model = make_tiny_model(tmp_path, pad_is_eos=pad_is_eos)
    tokenizer = AutoTokenizer.from_pretrained(model)
    end_of_turn, start_of_turn = tokenizer.convert_tokens_to_ids(["<|im_end|>", "<|im_start|>"])
    assert find_stop_tokens(tokenizer, None) == [end_of_turn]
    assert find_stop_tokens(tokenizer, [start_of_turn]) == sorted([end_of_turn, start_of_turn])
    # A base model: its end of text is not what its chat template puts behind a message.
    tokenizer.eos_token = "<|pad|>"
    pad = tokenizer.convert_tokens_to_ids("<|pad|>")
    assert find_stop_tokens(tokenizer, pad) == sorted([pad, end_of_turn])
    tokenizer.chat_template = None
    assert find_stop_tokens(tokenizer, end_of_turn) == sorted([pad, end_of_turn])
    tokenizer.eos_token = None
    with pytest.raises(UserError, match="which token ends a response"):
        find_stop_tokens(tokenizer, None)


def test_the_end_tokens_of_the_generation_config_end_a_response(
    folder: Path, tmp_path: Path, prompts: list[list[int]], reference: list[list[int]]
) -> None:
    import shutil

    copy = tmp_path / "model"
    shutil.copytree(folder, copy)
    tenth = reference[0][9]
    first = reference[0].index(tenth)
    (copy / "generation_config.json").write_text(json.dumps({"eos_token_id": [2, tenth]}))
    engine = load_engine("transformers", copy, **OPTIONS)
    [completion] = engine.generate(prompts[:1], GREEDY, [0])
    assert (completion.finish_reason, completion.token_count) == ("stop", first + 1)


@settings(max_examples=25, deadline=None)
@given(
    logits=st.lists(st.floats(-6, 6), min_size=2, max_size=8),
    temperature=st.sampled_from([0.3, 1.0, 2.0]),
    top_p=st.sampled_from([0.1, 0.5, 0.9, 1.0]),
)
def test_tokens_are_drawn_with_the_probabilities_of_the_nucleus(
    logits: list[float], temperature: float, top_p: float
) -> None:
    import torch

    from cotdistil.engines.token_sampling import choose_tokens

    draws = 2000
    uniforms = (torch.arange(draws, dtype=torch.float64) + 0.5) / draws
    row = torch.tensor(logits)
    tokens = choose_tokens(row.expand(draws, -1), temperature, top_p, uniforms)
    found = torch.bincount(tokens, minlength=len(logits)) / draws

    probabilities = torch.softmax(row / temperature, dim=0)
    ranked = sorted(range(len(logits)), key=lambda token: -probabilities[token])
    nucleus, mass = [], 0.0
    while mass < top_p - 1e-6 and len(nucleus) < len(ranked):
        nucleus.append(ranked[len(nucleus)])
        mass += float(probabilities[nucleus[-1]])
    expected = torch.zeros(len(logits))
    expected[nucleus] = probabilities[nucleus] / mass
    assert sorted(found.tolist()) == pytest.approx(sorted(expected.tolist()), abs=2e-3)


def test_a_nucleus_wider_than_the_candidates_is_not_cut_short() -> None:
    import torch

    from cotdistil.engines.token_sampling import choose_tokens

    vocabulary = 2000
    uniforms = (torch.arange(vocabulary, dtype=torch.float64) + 0.5) / vocabulary
    logits = torch.linspace(0, 1e-4, vocabulary).expand(vocabulary, -1)
    tokens = choose_tokens(logits, 1.0, 0.9, uniforms)
    assert len(tokens.unique()) == pytest.approx(0.9 * vocabulary, abs=2)
    assert (choose_tokens(logits, 0.0, 0.9, uniforms) == vocabulary - 1).all()
