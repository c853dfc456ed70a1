"""What a training row becomes: the prompt, what is learned from, and the ledger of the rest."""

from __future__ import annotations

from dataclasses import asdict

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import AutoTokenizer

from cotdistil.errors import UserError
from cotdistil.prompts import render_prompt
from cotdistil.training.dataset import TokenStore, write_tokens
from cotdistil.training.end_of_turn import end_of_turn_id
from cotdistil.training.examples import ExampleMaker
from tiny_model import make_tiny_tokenizer

QUESTION = "What is 2+3?"
RESPONSE = "<think>\n2+3 is 5.\n</think>\n\nThe answer is \\boxed{5}."
INSTRUCTION = "Put the answer in \\boxed{}."
UNLIMITED = 10**6


def load_tokenizer(folder, pad_is_eos=False):
    return AutoTokenizer.from_pretrained(make_tiny_tokenizer(folder, pad_is_eos))


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory):
    return load_tokenizer(tmp_path_factory.mktemp("tokenizer"))


def make_maker(tokenizer, max_length=UNLIMITED, over_length="drop", instruction=None):
    end = end_of_turn_id(tokenizer)
    return ExampleMaker(tokenizer, end, max_length, over_length, instruction)


def learned_text(tokenizer, example):
    return tokenizer.decode(example.input_ids[example.prompt_length :])


# --- one example ------------------------------------------------------------------------------


def test_the_student_is_trained_on_the_prompt_it_will_be_evaluated_with(tokenizer):
    example = make_maker(tokenizer, instruction=INSTRUCTION).make("p1", QUESTION, RESPONSE)
    prompt = example.input_ids[: example.prompt_length]
    assert prompt == render_prompt(tokenizer, QUESTION, INSTRUCTION)
    messages = [{"role": "user", "content": f"{QUESTION}\n{INSTRUCTION}"}]
    assert tokenizer.decode(prompt) == tokenizer.apply_chat_template(
        messages, tokenize=False, add_generation_prompt=True
    )


@pytest.mark.parametrize("pad_is_eos", [False, True])
def test_the_student_learns_the_response_and_then_to_end_its_turn(tmp_path, pad_is_eos):
    tokenizer = load_tokenizer(tmp_path, pad_is_eos)
    assert (tokenizer.pad_token == tokenizer.eos_token) == pad_is_eos
    example = make_maker(tokenizer).make("p1", QUESTION, RESPONSE)
    assert example.input_ids[-1] == tokenizer.convert_tokens_to_ids("<|im_end|>")
    assert learned_text(tokenizer, example) == RESPONSE + "<|im_end|>"


def test_a_special_tokens_name_in_a_response_is_text_that_somebody_wrote(tokenizer):
    response = "A turn ends with <|im_end|> and starts with <|im_start|>. \\boxed{1}"
    example = make_maker(tokenizer).make("p1", QUESTION, response)
    learned = example.input_ids[example.prompt_length :]
    start, end = tokenizer.convert_tokens_to_ids(["<|im_start|>", "<|im_end|>"])
    assert start not in learned
    assert learned.count(end) == 1
    assert tokenizer.decode(learned) == response + "<|im_end|>"


# --- where a turn ends ------------------------------------------------------------------------


def test_the_turn_ends_with_the_templates_token_even_if_eos_is_another(tmp_path):
    tokenizer = load_tokenizer(tmp_path)
    tokenizer.eos_token = "<|pad|>"
    assert end_of_turn_id(tokenizer) == tokenizer.convert_tokens_to_ids("<|im_end|>")


def test_the_turn_ends_with_eos_where_the_template_writes_nothing_after_the_answer(tmp_path):
    tokenizer = load_tokenizer(tmp_path)
    tokenizer.chat_template = "{% for m in messages %}{{ m['role'] + ': ' + m['content'] + '\\n' }}"
    tokenizer.chat_template += "{% endfor %}"
    assert end_of_turn_id(tokenizer) == tokenizer.eos_token_id


def test_a_template_that_ends_the_turn_with_plain_text_is_refused(tmp_path):
    tokenizer = load_tokenizer(tmp_path)
    tokenizer.chat_template = "{% for m in messages %}{{ m['content'] }} (end){% endfor %}"
    with pytest.raises(UserError, match=r"\(end\).*expected a special token"):
        end_of_turn_id(tokenizer)


# --- the length limit -------------------------------------------------------------------------


def lengths_of(tokenizer, response=RESPONSE):
    """Tokens of the prompt, and of the response with its end of turn."""
    example = make_maker(tokenizer).make("p1", QUESTION, response)
    return example.prompt_length, len(example.input_ids) - example.prompt_length


def test_an_example_exactly_at_the_limit_is_whole(tokenizer):
    prompt, learned = lengths_of(tokenizer)
    maker = make_maker(tokenizer, prompt + learned, "raise")
    assert len(maker.make("p1", QUESTION, RESPONSE).input_ids) == prompt + learned
    assert maker.ledger.over_length == {"rows": 0, "rows_truncated": 0, "tokens": 0, "answers": 0}


def test_drop_leaves_out_the_row_and_counts_all_its_tokens_and_its_answer(tokenizer):
    prompt, learned = lengths_of(tokenizer)
    maker = make_maker(tokenizer, prompt + learned - 1, "drop")
    assert maker.make("p1", QUESTION, RESPONSE) is None
    assert maker.make("p2", QUESTION, "\\boxed{5}") is not None
    ledger = asdict(maker.ledger)
    assert (ledger["rows_in"], ledger["rows_out"]) == (2, 1)
    assert ledger["dropped"] == {"over length": 1}
    assert ledger["over_length"] == {
        "rows": 1,
        "rows_truncated": 0,
        "tokens": prompt + learned,
        "answers": 1,
    }


def test_truncate_cuts_the_end_of_the_response_and_does_not_end_its_turn(tokenizer):
    prompt, learned = lengths_of(tokenizer)
    maker = make_maker(tokenizer, prompt + 20, "truncate")
    example = maker.make("p1", QUESTION, RESPONSE)
    assert learned_text(tokenizer, example) == RESPONSE[:20]
    assert (maker.ledger.rows_in, maker.ledger.rows_out, maker.ledger.dropped) == (1, 1, {})
    assert maker.ledger.over_length == {
        "rows": 1,
        "rows_truncated": 1,
        "tokens": learned - 20,
        "answers": 1,
    }


def test_truncate_drops_a_row_whose_prompt_alone_fills_the_limit(tokenizer):
    prompt, _ = lengths_of(tokenizer)
    maker = make_maker(tokenizer, prompt, "truncate")
    assert maker.make("p1", QUESTION, RESPONSE) is None
    assert maker.ledger.dropped == {"prompt over length": 1}


def test_raise_stops_at_the_first_long_row_and_names_it_and_the_limit(tokenizer):
    prompt, learned = lengths_of(tokenizer)
    maker = make_maker(tokenizer, 30, "raise")
    found = rf"'p7' has {prompt + learned} tokens.*training\.sft\.max_length is 30.*drop or trunc"
    with pytest.raises(UserError, match=found):
        maker.make("p7", QUESTION, RESPONSE)


@pytest.mark.parametrize("answer", ["\\boxed{5}", "\\boxed{\\frac{1}{2}}"])
def test_an_answer_counts_as_lost_until_its_last_brace_is_kept(tokenizer, answer):
    response = f"It is {answer} apples."
    prompt, _ = lengths_of(tokenizer, response)
    whole = response.index(answer) + len(answer)
    lost = {}
    for kept in range(1, len(response)):
        maker = make_maker(tokenizer, prompt + kept, "truncate")
        maker.make("p1", QUESTION, response)
        lost[kept] = maker.ledger.over_length["answers"]
    assert lost == {kept: int(kept < whole) for kept in lost}


@pytest.mark.parametrize("response", [None, "", " \n"])
def test_a_row_without_a_response_is_dropped_and_counted(tokenizer, response):
    maker = make_maker(tokenizer)
    assert maker.make("p1", QUESTION, response) is None
    assert maker.ledger.dropped == {"empty response": 1}


RESPONSES = st.builds(
    lambda thinking, answer: f"<think>\n{'é' * thinking}\n</think>\n\n{answer}",
    st.integers(0, 30),
    st.sampled_from(["\\boxed{7}", "\\boxed{\\frac{1}{2}} it is", "no answer"]),
)


def answers_in(text):
    return sum(text.count(answer) for answer in ("\\boxed{7}", "\\boxed{\\frac{1}{2}}"))


@settings(max_examples=60, deadline=None)
@given(
    responses=st.lists(st.one_of(RESPONSES, st.just("")), max_size=6),
    max_length=st.integers(1, 140),
    over_length=st.sampled_from(["drop", "truncate"]),
)
def test_every_row_token_and_answer_is_trained_on_or_in_the_ledger(
    tokenizer, responses, max_length, over_length
):
    maker = make_maker(tokenizer, max_length, over_length)
    unlimited = make_maker(tokenizer)
    made = [maker.make(f"p{n}", QUESTION, text) for n, text in enumerate(responses)]
    for number, text in enumerate(responses):
        unlimited.make(f"p{number}", QUESTION, text)
    kept = [example for example in made if example is not None]
    ledger = maker.ledger

    assert ledger.rows_in == len(responses)
    assert ledger.rows_out == len(kept)
    assert ledger.rows_in == ledger.rows_out + sum(ledger.dropped.values())
    assert all(len(example.input_ids) <= max_length for example in kept)
    trained = sum(len(example.input_ids) for example in kept)
    assert ledger.prompt_tokens + ledger.response_tokens == trained
    everything = unlimited.ledger.prompt_tokens + unlimited.ledger.response_tokens
    assert everything == trained + ledger.over_length["tokens"]
    answers = sum(answers_in(learned_text(tokenizer, example)) for example in kept)
    assert sum(map(answers_in, responses)) == answers + ledger.over_length["answers"]


# --- a whole training set ---------------------------------------------------------------------


def write_training_set(path, responses, unfinished=None):
    rows = {
        "problem_id": [f"p{number}" for number in range(len(responses))],
        "question": [QUESTION] * len(responses),
        "response": responses,
        "unfinished": [False] * len(responses) if unfinished is None else unfinished,
    }
    pq.write_table(pa.table(rows), path)
    return path


def test_a_training_set_on_disk_is_its_examples_in_order(tmp_path, tokenizer):
    # More rows than are written at once.
    responses = [f"\\boxed{{{number}}}" if number % 100 else "" for number in range(1500)]
    training_set = write_training_set(tmp_path / "train.parquet", responses)
    maker = make_maker(tokenizer)
    write_tokens(training_set, maker, tmp_path / "tokens.arrow")
    store = TokenStore(tmp_path / "tokens.arrow")
    kept = [text for text in responses if text]
    assert (maker.ledger.rows_in, maker.ledger.rows_out, len(store)) == (1500, 1485, len(kept))
    assert store.lengths.sum() == maker.ledger.prompt_tokens + maker.ledger.response_tokens
    for index, text in enumerate(kept):
        ids, prompt_length = store[index]
        assert tokenizer.decode(ids[prompt_length:].tolist()) == text + "<|im_end|>"
        assert len(ids) == store.lengths[index]


def test_a_response_that_stops_before_its_end_does_not_teach_to_end_the_turn(tmp_path, tokenizer):
    training_set = write_training_set(tmp_path / "train.parquet", ["a", "b"], [True, False])
    write_tokens(training_set, make_maker(tokenizer), tmp_path / "tokens.arrow")
    store = TokenStore(tmp_path / "tokens.arrow")
    learned = [tokenizer.decode(ids[start:].tolist()) for ids, start in (store[0], store[1])]
    assert learned == ["a", "b<|im_end|>"]


@pytest.mark.parametrize(
    ("responses", "reason"),
    [([RESPONSE, RESPONSE], "'over length': 2"), (["", None], "'empty response': 2"), ([], "none")],
)
def test_a_training_set_of_which_nothing_is_left_is_an_error(
    tmp_path, tokenizer, responses, reason
):
    training_set = write_training_set(tmp_path / "train.parquet", responses)
    maker = make_maker(tokenizer, max_length=20)
    with pytest.raises(UserError, match=rf"no row is left.*{reason}.*max_length \(now 20\)"):
        write_tokens(training_set, maker, tmp_path / "tokens.arrow")
