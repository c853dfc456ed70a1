"""Examples in rows: each appears once, the limits are kept, and neighbours change nothing."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.functional import cross_entropy
from transformers import AutoConfig, AutoModelForCausalLM

from cotdistil.training.packing import micro_batches, pack_rows
from cotdistil.training.shared_prefix import lay_out, use_shared_prefix
from cotdistil.training.trainer import row_collator
from tiny_model import make_tiny_model

LENGTHS = st.lists(st.integers(1, 60), max_size=40)
VOCABULARY = 259


# --- packing ----------------------------------------------------------------------------------


@given(lengths=LENGTHS, capacity=st.integers(1, 80))
def test_packing_takes_every_example_once_and_fills_rows_no_fuller_than_they_are(lengths, capacity):
    rows = pack_rows(lengths, capacity)
    assert sorted(index for row in rows for index in row) == list(range(len(lengths)))
    loads = [sum(lengths[index] for index in row) for row in rows]
    for row, load in zip(rows, loads, strict=True):
        assert load <= capacity or len(row) == 1
    # No two rows could have been one.
    assert len(loads) < 2 or sum(sorted(loads)[:2]) > capacity


@given(lengths=LENGTHS, budget=st.integers(1, 80))
def test_a_step_is_split_into_rows_that_keep_the_memory_budget(lengths, budget):
    rows = micro_batches(lengths, budget)
    assert sorted(index for row in rows for index in row) == list(range(len(lengths)))
    for row in rows:
        assert sum(lengths[index] for index in row) <= budget or len(row) == 1


# --- what carries loss ------------------------------------------------------------------------


@st.composite
def steps(draw):
    """Examples of one optimizer step, as (token ids, prompt length), with a common beginning."""
    token = st.integers(0, VOCABULARY - 1)
    common = draw(st.lists(token, max_size=8))
    examples = []
    for _ in range(draw(st.integers(1, 4))):
        own = draw(st.lists(token, min_size=1, max_size=6))
        response = draw(st.lists(token, min_size=1, max_size=12))
        ids = torch.tensor(common + own + response)
        examples.append((ids, len(common) + len(own)))
    return examples


@given(examples=steps())
def test_prompts_carry_no_loss_and_every_response_token_does(examples):
    row = lay_out(examples)
    learned = row["labels"][row["labels"] != -100]
    assert learned.tolist() == torch.cat([ids[prompt:] for ids, prompt in examples]).tolist()
    # A label is predicted from the token before it, which must be the example's own.
    boundaries = [0, *row["segment_ends"][:-1]]
    assert (row["labels"][0, boundaries] == -100).all()


def test_a_common_beginning_is_computed_once_per_row():
    system = list(range(50))
    examples = [(torch.tensor([*system, 60 + number, 7, 8]), 51) for number in range(4)]
    row = lay_out(examples)
    assert row["prefix_length"] == 50
    assert row["input_ids"].shape == row["position_ids"].shape == (1, 50 + 4 * 3)


# --- gradients --------------------------------------------------------------------------------

WINDOWS = {
    "llama": {},
    "qwen3": {},
    "mistral": {"sliding_window": 5},
    # One layer sees a window, the other everything.
    "gemma3_text": {
        "sliding_window": 5,
        "layer_types": ["sliding_attention", "full_attention"],
    },
}


@pytest.fixture(scope="module", params=WINDOWS)
def architecture(request, tmp_path_factory):
    """The same weights twice: as plain transformers computes them, and as training does."""
    folder = make_tiny_model(tmp_path_factory.mktemp("model"), model_type=request.param)
    config = AutoConfig.from_pretrained(folder)
    for key, value in WINDOWS[request.param].items():
        setattr(config, key, value)
    plain, trained = (
        AutoModelForCausalLM.from_pretrained(folder, config=config, attn_implementation=attention)
        for attention in ("eager", "sdpa")
    )
    assert use_shared_prefix(trained)
    return plain, trained


def gradients(model):
    return torch.cat([parameter.grad.flatten() for parameter in model.parameters()])


@settings(max_examples=15, deadline=None)
@given(examples=steps(), budget=st.sampled_from([1, 25, 1000]))
def test_side_by_side_examples_give_the_gradients_that_each_gives_alone(
    architecture, examples, budget
):
    plain, trained = architecture
    plain.zero_grad()
    trained.zero_grad()
    loss_alone = 0.0
    for ids, prompt in examples:
        logits = plain(ids[None]).logits[0]
        loss = cross_entropy(logits[prompt - 1 : -1], ids[prompt:], reduction="sum")
        loss.backward()
        loss_alone += loss.item()

    store = [(ids.numpy(), prompt) for ids, prompt in examples]
    step = row_collator(store, budget, side_by_side=True)(
        [{"members": [index]} for index in range(len(examples))]
    )
    loss_in_rows = 0.0
    for row in step["rows"]:
        labels = row.pop("labels")[0]
        logits = trained(**row, use_cache=False).logits[0]
        loss = cross_entropy(logits[:-1], labels[1:], reduction="sum")
        loss.backward()
        loss_in_rows += loss.item()

    assert step["n_learned"] == sum(len(ids) - prompt for ids, prompt in examples)
    assert loss_in_rows == pytest.approx(loss_alone, rel=1e-5)
    expected, found = gradients(plain), gradients(trained)
    assert (found - expected).norm() <= 1e-4 * expected.norm()


def test_an_architecture_that_cannot_keep_examples_apart_gets_one_per_row():
    model = AutoModelForCausalLM.from_config(
        AutoConfig.for_model(
            "mamba", vocab_size=VOCABULARY, hidden_size=16, num_hidden_layers=1, state_size=4
        )
    )
    side_by_side = use_shared_prefix(model)
    store = [(torch.arange(9).numpy(), 4)] * 3
    step = row_collator(store, 1000, side_by_side)([{"members": [0, 2]}, {"members": [1]}])
    assert [row["segment_ends"] for row in step["rows"]] == [[9], [9], [9]]
