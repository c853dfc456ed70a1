"""Token counts of a corpus: exactly those of training, part by part, in the order of the traces."""

import functools
import itertools
import json
import subprocess
import sys

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tokenizers import AddedToken, Regex, Tokenizer, models, normalizers, pre_tokenizers, trainers
from transformers import AutoTokenizer, PreTrainedTokenizerFast

from cotdistil.prompts import render_prompt
from cotdistil.responses import join_response, split_response
from cotdistil.token_counts import ResponseTokens, TokenCounter, part_spans
from cotdistil.token_cuts import _EXPRESSIONS, NOWHERE, cuts_of
from hand_made_store import HandMadeStore
from real_data import real_rows
from tiny_model import make_tiny_tokenizer

BYTES = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
GPT2 = pre_tokenizers.ByteLevel(add_prefix_space=False)
DIGITS = pre_tokenizers.Digits(individual_digits=True)


def split_at(expression: str) -> pre_tokenizers.PreTokenizer:
    split = pre_tokenizers.Split(Regex(expression), behavior="isolated")
    return pre_tokenizers.Sequence([split, BYTES])


SEPARATING = {
    "GPT-2": GPT2,
    "SmolLM2": pre_tokenizers.Sequence([DIGITS, GPT2]),
    **{f"expression {i}": split_at(e) for i, e in enumerate(sorted(_EXPRESSIONS))},
}
JOINING = {
    "nothing": BYTES,
    "spaces are letters": pre_tokenizers.Metaspace(),
    "a prefix space": pre_tokenizers.ByteLevel(add_prefix_space=True),
    "an unknown expression": split_at(r"\w+ \w+|\s+"),
    "bytes first": pre_tokenizers.Sequence(
        [BYTES, pre_tokenizers.Split(Regex(min(_EXPRESSIONS)), behavior="isolated")]
    ),
}
TEXT = (
    "<think>\nOkay, so 12 apples and 30 more. I'll add them:  12 + 30 = 42.\n\nWait, I don't know"
    " if that's right.\n\n  12\n+ 30\n= 42  ok. \n \n</think>\n\n**Answer:** $\\boxed{42}$ é × ≥ 算"
)
SPECIAL = "<|im_end|>"


@functools.cache
def trained(name: str) -> PreTrainedTokenizerFast:
    """A tokenizer with merges over words, spaces and line breaks, and a special token."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = (SEPARATING | JOINING)[name]
    tokenizer.train_from_iterator(
        [TEXT] * 3,
        trainers.BpeTrainer(
            vocab_size=480,
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            special_tokens=[AddedToken(SPECIAL, special=True, normalized=False)],
            show_progress=False,
        ),
    )
    tokenizer.add_tokens([AddedToken("</think>", normalized=False)])
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token=SPECIAL)


def as_in_training(tokenizer, text: str) -> int:
    encoded = tokenizer(text, add_special_tokens=False, split_special_tokens=True)
    return len(encoded.input_ids)


def by_definition(tokenizer, text: str) -> ResponseTokens:
    """Every token's beginning looked at, one after another."""
    encoded = tokenizer(
        text, add_special_tokens=False, split_special_tokens=True, return_offsets_mapping=True
    )
    starts = [start for start, _ in encoded.offset_mapping]
    thinking, end, answer = part_spans(text)
    return ResponseTokens(
        sum(thinking <= start < end for start in starts),
        sum(answer <= start for start in starts),
        len(starts),
    )


PARTS = ["12", "3", "Wait", "don't", "'S", "x", "é", "e\u0301", "\u0301", "算", "×", "🙂", "=", "."]
PARTS += [
    "\\frac{1}{2}",
    "**",
    " ",
    " ",
    "  ",
    "\n",
    "\n\n",
    "\r\n",
    "\t",
    "\xa0",
    "\u2003",
    "\x1c",
]
PARTS += ["\x85", "\u200b", "\ufeff", "\x00", "<think>", "</think>", SPECIAL, "<think>\n", TEXT]
TEXTS = st.lists(st.sampled_from(PARTS), max_size=25).map("".join)


@pytest.mark.parametrize("name", [*SEPARATING, *JOINING])
@settings(max_examples=150)
@given(st.lists(TEXTS | st.text(max_size=20), max_size=4))
@example([TEXT, "", "   ", "<think>\nnever closed", TEXT])
def test_counts_are_those_of_the_whole_text_whatever_the_tokenizer(name, texts):
    tokenizer = trained(name)
    found = TokenCounter(tokenizer).count(texts)
    assert [each.response for each in found] == [as_in_training(tokenizer, text) for text in texts]
    assert found == [by_definition(tokenizer, text) for text in texts]


def test_texts_are_cut_only_where_the_tokenizer_is_known_to_keep_words_apart():
    for name in (*SEPARATING, *JOINING):
        description = json.loads(trained(name).backend_tokenizer.to_str())
        assert (cuts_of(description) is NOWHERE) == (name in JOINING), name
        for change in (
            {"added_tokens": [{**description["added_tokens"][0], "content": "two words"}]},
            {"added_tokens": [{**description["added_tokens"][0], "lstrip": True}]},
            {"normalizer": {"type": "NFKC"}},
            {"model": {**description["model"], "dropout": 0.1}},
            {"pre_tokenizer": None},
        ):
            assert cuts_of(description | change) is NOWHERE, (name, change)


@given(TEXTS | st.text(max_size=40))
def test_the_words_are_what_stands_between_the_cuts(text):
    for cuts in {*_EXPRESSIONS.values(), NOWHERE}:
        places = [0, *(match.start() for match in cuts.cut.finditer(text)), len(text)]
        between = [text[start:end] for start, end in itertools.pairwise(places) if start < end]
        assert cuts.words(text, 0, len(text)) == between
        for position in range(1, len(text)):
            before, after = cuts.around(text, position)
            assert before == max(place for place in places if place < position)
            assert after == min(place for place in places if place >= position)


def test_each_token_counts_for_the_part_in_which_it_begins():
    tokenizer = trained("GPT-2")
    thinking, answer = "12 + 30 = 42.", "It is 42."
    counts = TokenCounter(tokenizer).count(
        [
            join_response(thinking, answer),
            join_response(None, answer),
            f"{thinking}\n</think>\n\n{answer}",
            f"<think>\n{thinking}",
            join_response("", answer),
            "",
        ]
    )
    in_thinking, in_answer = (as_in_training(tokenizer, text) for text in (thinking, answer))
    assert [(each.thinking, each.answer) for each in counts] == [
        (in_thinking, in_answer),
        (0, in_answer),
        (in_thinking, in_answer),
        (in_thinking, 0),
        (0, in_answer),
        (0, 0),
    ]
    assert counts[0].response > in_thinking + in_answer


@given(TEXTS)
@example("Well. <think>\nnever closed")
@example(" <think>\nnever closed")
@example("<think>\n</think>\n\n")
@example("\n</think>")
def test_the_spans_are_the_two_parts_of_the_response(text):
    start, end, answer = part_spans(text)
    parts = split_response(text)
    assert text[answer:] == parts.answer
    if parts.think == "unclosed" and not text.lstrip().startswith("<think>"):
        assert text[start:end] == text.lstrip() or text[start:end] == parts.thinking
    else:
        assert text[start:end] == (parts.thinking or "")


def test_real_responses_have_the_counts_of_training(tmp_path):
    responses = [row["response"] for row in real_rows("traces/mip_math_responses.jsonl")][::20]
    for name in ("SmolLM2", "expression 0", "nothing"):
        tokenizer = trained(name)
        found = TokenCounter(tokenizer).count(responses)
        assert found == [by_definition(tokenizer, text) for text in responses]


def test_what_is_remembered_is_bounded(monkeypatch):
    monkeypatch.setattr("cotdistil.token_counts._MEMORY", 2000)
    counter = TokenCounter(trained("GPT-2"))
    texts = [f"{i} apples and {i + 1} more" for i in range(200)]
    for text in texts:
        assert counter.count([text]) == [by_definition(trained("GPT-2"), text)]
        assert len(counter._known) < 50


# --- the command ----------------------------------------------------------------------------


def corpus_of(store: HandMadeStore, rows: list[dict]):
    folder = store.artefact("corpora", "r1")
    names = ("problem_id", "question", "response")
    schema = pa.schema([(name, pa.string()) for name in names] + [("sample_index", pa.int64())])
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), folder / "traces.parquet")
    return folder


def model_of(store: HandMadeStore):
    folder = store.artefact("models", "small")
    make_tiny_tokenizer(folder)
    return folder


def trace(problem: int, sample: int, response: str) -> dict:
    row = {"problem_id": f"p{problem}", "sample_index": sample, "response": response}
    return row | {"question": f"{problem} and {problem}?"}


def test_the_command_counts_every_trace_in_the_order_of_the_corpus(tmp_path):
    store = HandMadeStore(tmp_path)
    rows = [trace(i % 50, i // 50, join_response("a" * i, "b" * (i % 7))) for i in range(150)]
    rows.append(trace(7, 9, "no tag"))
    rows.append(trace(8, 9, ""))
    model = model_of(store)
    made = store.run(
        "token_counts",
        {"instruction": "Think."},
        {"corpus": corpus_of(store, rows), "model": model},
        own_process=True,
    )
    assert made.status == 0, made.text
    table = pq.read_table(made.folder / "tokens.parquet")
    assert table.schema.names == [
        *("problem_id", "sample_index", "prompt_tokens"),
        *("thinking_tokens", "answer_tokens", "response_tokens"),
    ]
    assert set(map(str, table.schema.types[1:])) == {"int64"}
    counted = table.to_pylist()
    assert [(row["problem_id"], row["sample_index"]) for row in counted] == [
        (row["problem_id"], row["sample_index"]) for row in rows
    ]
    # The tiny tokenizer has a token for each byte.
    assert [row["response_tokens"] for row in counted] == [len(row["response"]) for row in rows]
    assert [row["thinking_tokens"] for row in counted[:150]] == list(range(150))
    assert [row["answer_tokens"] for row in counted] == [i % 7 for i in range(150)] + [6, 0]
    tokenizer = AutoTokenizer.from_pretrained(model)
    assert [row["prompt_tokens"] for row in counted] == [
        len(render_prompt(tokenizer, row["question"], "Think.")) for row in rows
    ]
    record = made.record
    assert (record["rows_in"], record["rows_out"], record["dropped"]) == (152, 152, {})
    assert record["response_tokens"] == sum(len(row["response"]) for row in rows)


def test_a_corpus_without_traces_has_an_empty_table(tmp_path):
    store = HandMadeStore(tmp_path)
    parents = {"corpus": corpus_of(store, []), "model": model_of(store)}
    made = store.run("token_counts", {"instruction": None}, parents)
    assert made.status == 0, made.text
    assert pq.read_table(made.folder / "tokens.parquet").num_rows == 0


def test_a_corpus_of_another_format_is_refused_in_one_line(tmp_path):
    store = HandMadeStore(tmp_path)
    folder = store.artefact("corpora", "old")
    pq.write_table(pa.table({"problem_id": ["p"], "question": ["q"]}), folder / "traces.parquet")
    made = store.run(
        "token_counts", {"instruction": None}, {"corpus": folder, "model": model_of(store)}
    )
    assert made.status == 1
    assert "traces.parquet: has no column sample_index, response" in made.text


def test_help_needs_no_tokenizer():
    code = "import sys, count_tokens; sys.exit('transformers' in sys.modules)"
    path = {"PYTHONPATH": "scripts"}
    assert subprocess.run([sys.executable, "-c", code], env=path, check=False).returncode == 0
