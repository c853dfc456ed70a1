"""Fine-tuning: what it learns, that it repeats, that a kill loses nothing, what it saves."""

from __future__ import annotations

import json
import math
import os
import platform
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import get_args

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from safetensors import safe_open
from torch.nn.functional import cross_entropy
from transformers import AutoModelForCausalLM, AutoTokenizer

import train_sft
from cotdistil.code_version import SCRIPTS, code_version
from cotdistil.config.training import Lora, Sft
from cotdistil.config.types import Precision
from cotdistil.errors import UserError
from cotdistil.precision import NAMES, has_native_bfloat16, pick_dtype
from cotdistil.training.checkpoints import last_whole_checkpoint
from cotdistil.training.dataset import TokenStore, write_tokens
from cotdistil.training.end_of_turn import end_of_turn_id
from cotdistil.training.examples import ExampleMaker
from cotdistil.training.saving import save_student
from cotdistil.training.sft import train
from tiny_model import make_tiny_model

INSTRUCTION = "Answer in \\boxed{}."
LORA = Lora(rank=4, alpha=8.0, dropout=0.2)
# 12 examples in steps of 3, twice: 4 steps per epoch.
STEPS = 8


@pytest.fixture(scope="module", autouse=True)
def _one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def student(tmp_path_factory):
    return make_tiny_model(tmp_path_factory.mktemp("student"))


def response(number):
    return f"<think>\n{'so ' * (number % 5)}\n</think>\n\n\\boxed{{{2 * number}}}"


def write_training_set(folder):
    numbers = range(12)
    rows = {
        "problem_id": [f"p{n}" for n in numbers],
        "question": [f"What is {n}+{n}?" for n in numbers],
        "gold": [str(2 * n) for n in numbers],
        "response": [response(n) for n in numbers],
        "source": ["long"] * 12,
        "unfinished": [False] * 12,
    }
    pq.write_table(pa.table(rows), folder / "train.parquet")
    return folder / "train.parquet"


@pytest.fixture(scope="module")
def tokens(student, tmp_path_factory):
    folder = tmp_path_factory.mktemp("tokens")
    tokenizer = AutoTokenizer.from_pretrained(student)
    maker = ExampleMaker(tokenizer, end_of_turn_id(tokenizer), 256, "raise", INSTRUCTION)
    write_tokens(write_training_set(folder), maker, folder / "tokens.arrow")
    return folder / "tokens.arrow"


def sft_params(seed=0, **changes):
    """The params of the stage's manifest: the config's section, the instruction and the seed."""
    section = {
        "learning_rate": 1e-3,
        "batch_size": 3,
        "max_length": 256,
        "precision": "float32",
        **changes,
    }
    return Sft(**section).model_dump(mode="json") | {"instruction": INSTRUCTION, "seed": seed}


def run(student, tokens, work, **changes):
    work.mkdir(exist_ok=True)
    tokenizer = AutoTokenizer.from_pretrained(student)
    return train(student, tokenizer, tokens, sft_params(**changes), work, lambda *_: None)


def run_killed_at(step, student, tokens, work, **changes):
    """A run with a checkpoint after every step that dies when `step` is done, before its own."""

    def progress(done, total, unit):
        assert (total, unit) == (STEPS, "steps")
        if done == step:
            raise Killed

    work.mkdir(exist_ok=True)
    tokenizer = AutoTokenizer.from_pretrained(student)
    with pytest.raises(Killed):
        train(student, tokenizer, tokens, sft_params(**changes), work, progress, 0.0)


def weights(trained):
    return {name: tensor.clone() for name, tensor in trained.model.state_dict().items()}


def same(one, other):
    assert one.keys() == other.keys()
    return all(torch.equal(one[name], other[name]) for name in one)


class Killed(Exception):
    """Stands for a job that dies between two steps."""


# --- learning ---------------------------------------------------------------------------------


@pytest.mark.parametrize("changes", [{}, {"packing": True}, {"lora": LORA}])
def test_training_lowers_the_loss(student, tokens, tmp_path, changes):
    first = run(student, tokens, tmp_path / "first", epochs=0.1, **changes)
    changes = {"epochs": 6, "learning_rate": 5e-3, **changes}
    trained = run(student, tokens, tmp_path / "long", **changes)
    assert first.steps == 1
    assert trained.final_loss < 0.6 * first.final_loss


def test_the_reported_loss_is_that_of_the_response_tokens_in_plain_transformers(
    student, tokens, tmp_path
):
    model = AutoModelForCausalLM.from_pretrained(student)
    store = TokenStore(tokens)
    total = count = 0
    for index in range(len(store)):
        ids, prompt = store[index]
        ids = torch.tensor(ids, dtype=torch.long)
        logits = model(ids[None]).logits[0].detach()
        total += cross_entropy(logits[prompt - 1 : -1], ids[prompt:], reduction="sum").item()
        count += len(ids) - prompt
    # The loss of the first step is taken before its update.
    trained = run(student, tokens, tmp_path / "work", epochs=1, batch_size=len(store))
    assert trained.steps == 1
    assert trained.final_loss == pytest.approx(total / count, rel=1e-4)


@pytest.mark.parametrize("packing", [False, True])
def test_every_token_is_trained_once_per_epoch(student, tokens, tmp_path, packing):
    trained = run(student, tokens, tmp_path / "work", packing=packing)
    lengths = TokenStore(tokens).lengths
    assert trained.tokens_per_second * trained.seconds == pytest.approx(2 * lengths.sum())
    if not packing:
        assert trained.steps == STEPS


def test_a_student_of_an_architecture_that_cannot_share_rows_trains_too(tmp_path, tokens):
    student = make_tiny_model(tmp_path / "student", model_type="gemma2")
    trained = run(student, tokens, tmp_path / "work", epochs=1)
    assert trained.steps == STEPS / 2
    assert math.isfinite(trained.final_loss)


# --- one seed, one result ---------------------------------------------------------------------


@pytest.fixture(scope="module", params=["full", "lora"])
def undisturbed(request, student, tokens, tmp_path_factory):
    """The settings of a run that nothing interrupted, and its weights."""
    changes = {"lora": LORA} if request.param == "lora" else {}
    trained = run(student, tokens, tmp_path_factory.mktemp("work"), **changes)
    assert (trained.steps, trained.resumed_from_step) == (STEPS, 0)
    return changes, weights(trained)


def test_one_seed_gives_the_same_weights_bit_for_bit_and_another_seed_others(
    student, tokens, tmp_path, undisturbed
):
    changes, expected = undisturbed
    again = run(student, tokens, tmp_path / "again", **changes)
    other = run(student, tokens, tmp_path / "other", seed=1, **changes)
    assert same(weights(again), expected)
    assert not same(weights(other), expected)


@pytest.mark.parametrize("step", [3, 6], ids=["first epoch", "second epoch"])
def test_a_killed_run_goes_on_where_it_was_and_ends_with_the_same_weights(
    student, tokens, tmp_path, undisturbed, step
):
    changes, expected = undisturbed
    work = tmp_path / "work"
    run_killed_at(step, student, tokens, work, **changes)
    resumed = run(student, tokens, work, **changes)
    assert (resumed.resumed_from_step, resumed.steps) == (step - 1, STEPS)
    assert same(weights(resumed), expected)


def test_a_half_written_checkpoint_is_ignored(student, tokens, tmp_path, undisturbed):
    changes, expected = undisturbed
    work = tmp_path / "work"
    run_killed_at(5, student, tokens, work, **changes)
    newest = last_whole_checkpoint(work)
    assert newest.name == "checkpoint-4"
    # A kill while step 5 was written left some of its files.
    half = work / "checkpoint-5"
    half.mkdir()
    for name in ("config.json", "trainer_state.json", "optimizer.pt"):
        content = (newest / name).read_bytes() if (newest / name).exists() else b""
        (half / name).write_bytes(content[: len(content) // 2])
    resumed = run(student, tokens, work, **changes)
    assert (resumed.resumed_from_step, resumed.steps) == (4, STEPS)
    assert same(weights(resumed), expected)


def test_the_newest_checkpoint_is_the_one_with_most_steps(tmp_path):
    assert last_whole_checkpoint(tmp_path) is None
    for step in (10, 9, 100):
        (tmp_path / f"checkpoint-{step}").mkdir()
    assert last_whole_checkpoint(tmp_path) is None
    for step in (10, 9):
        (tmp_path / f"checkpoint-{step}" / "whole").touch()
    assert last_whole_checkpoint(tmp_path).name == "checkpoint-10"


# --- what is saved ----------------------------------------------------------------------------


@pytest.fixture(params=["full", "lora"])
def saved(request, student, tokens, tmp_path):
    """A trained student in memory (its logits for one text) and its folder."""
    changes = {"lora": LORA} if request.param == "lora" else {}
    trained = run(student, tokens, tmp_path / "work", learning_rate=1e-2, **changes)
    ids = torch.tensor(TokenStore(tokens)[0][0], dtype=torch.long)[None]
    logits = trained.model.eval()(ids).logits.detach().float()
    tokenizer = AutoTokenizer.from_pretrained(student)
    folder = tmp_path / "saved"
    save_student(trained.model, tokenizer, end_of_turn_id(tokenizer), folder)
    return ids, logits, folder


def test_a_saved_student_is_a_plain_bfloat16_model_that_says_what_was_trained(saved, student):
    ids, logits, folder = saved
    assert not list(folder.glob("adapter*"))
    loaded = AutoModelForCausalLM.from_pretrained(folder)
    assert loaded.dtype == torch.bfloat16
    assert type(loaded).__name__ == "LlamaForCausalLM"
    with safe_open(folder / "model.safetensors", "pt") as file:
        names = set(file.keys())
        assert {file.get_tensor(name).dtype for name in names} == {torch.bfloat16}
    with safe_open(student / "model.safetensors", "pt") as file:
        assert names == set(file.keys())

    found = loaded.float()(ids).logits
    untrained = AutoModelForCausalLM.from_pretrained(student)(ids).logits
    assert (found - logits).norm() < 0.05 * logits.norm()
    assert (untrained - logits).norm() > 0.2 * logits.norm()


def test_tied_embeddings_are_still_tied(saved):
    folder = saved[2]
    loaded = AutoModelForCausalLM.from_pretrained(folder)
    assert loaded.config.tie_word_embeddings
    assert loaded.lm_head.weight is loaded.model.embed_tokens.weight
    with safe_open(folder / "model.safetensors", "pt") as file:
        assert "lm_head.weight" not in set(file.keys())


def test_whatever_loads_a_saved_student_stops_at_the_end_of_the_turn(student, tokens, tmp_path):
    trained = run(student, tokens, tmp_path / "work", epochs=0.1)
    tokenizer = AutoTokenizer.from_pretrained(student)
    trained.model.generation_config.eos_token_id = 0
    save_student(trained.model, tokenizer, 2, tmp_path / "saved")
    loaded = AutoModelForCausalLM.from_pretrained(tmp_path / "saved")
    assert loaded.generation_config.eos_token_id == [2, 0]
    saved_tokenizer = AutoTokenizer.from_pretrained(tmp_path / "saved")
    assert saved_tokenizer.chat_template == tokenizer.chat_template


# --- precision --------------------------------------------------------------------------------


def test_every_precision_that_the_config_knows_can_be_computed():
    assert set(get_args(Precision)) == set(NAMES)
    assert pick_dtype("float32") == torch.float32
    assert pick_dtype("bfloat16") == torch.bfloat16
    with pytest.raises(UserError, match=r"precision: found 'half'; expected one of auto, float32"):
        pick_dtype("half")


@pytest.mark.skipif(
    torch.cuda.is_available() or platform.system() != "Linux", reason="reads a Linux CPU's flags"
)
def test_auto_is_bfloat16_only_where_the_processor_multiplies_it():
    flags = Path("/proc/cpuinfo").read_text().split()
    native = "avx512_bf16" in flags or "amx_bf16" in flags
    assert has_native_bfloat16() == native
    assert pick_dtype("auto") == (torch.bfloat16 if native else torch.float32)


@pytest.mark.parametrize("changes", [{}, {"lora": LORA}])
def test_in_bfloat16_what_is_updated_stays_in_float32(student, tokens, tmp_path, changes):
    trained = run(student, tokens, tmp_path / "work", precision="bfloat16", epochs=0.1, **changes)
    assert trained.precision == "bfloat16"
    updated = [weight for weight in trained.model.parameters() if weight.requires_grad]
    assert {weight.dtype for weight in updated} == {torch.float32}


# --- the command ------------------------------------------------------------------------------

MODEL, TRAINING_SET, SFT = (f"{number:020x}" for number in (1, 2, 3))


@pytest.fixture
def store(tmp_path, student):
    """A store with the two artefacts that the command reads."""
    store = tmp_path / "store"
    shutil.copytree(student, store / "models" / MODEL)
    (store / "training_sets" / TRAINING_SET).mkdir(parents=True)
    write_training_set(store / "training_sets" / TRAINING_SET)
    for address in (f"models/{MODEL}", f"training_sets/{TRAINING_SET}"):
        (store / address / "record.json").write_text("{}")
    return store


def arguments(store, **changes):
    """Write the manifest; returns what the command is called with."""
    manifest = {
        "stage": "sft",
        "params": sft_params(**changes),
        "parents": {"model": f"models/{MODEL}", "training_set": f"training_sets/{TRAINING_SET}"},
        "files": {},
        "code": code_version("sft"),
    }
    path = store / "manifests" / f"{SFT}.json"
    path.parent.mkdir()
    path.write_text(json.dumps(manifest))
    out = store / "sft" / SFT / "record.json"
    options = ["--manifest", path, "--out", out, "--threads", 1, "--name", "tiny · long"]
    return [str(option) for option in options]


@pytest.fixture(scope="module")
def middle_length(tokens):
    """A limit that about half of the examples exceed."""
    return int(np.median(TokenStore(tokens).lengths))


def test_the_command_publishes_a_model_and_an_account_of_every_row(
    store, tokens, tmp_path, middle_length
):
    options = arguments(store, max_length=middle_length, lora=LORA)
    command = [sys.executable, str(SCRIPTS / "train_sft.py"), *options]
    finished = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert finished.returncode == 0, finished.stderr

    folder = store / "sft" / SFT
    record = json.loads((folder / "record.json").read_text())
    lengths = TokenStore(tokens).lengths
    fitting = lengths <= middle_length
    assert (record["rows_in"], record["rows_out"]) == (12, fitting.sum())
    assert record["dropped"] == {"over length": 12 - fitting.sum()}
    assert record["over_length"] == {
        "rows": 12 - fitting.sum(),
        "rows_truncated": 0,
        "tokens": lengths[~fitting].sum(),
        "answers": 12 - fitting.sum(),
    }
    assert record["prompt_tokens"] + record["response_tokens"] == lengths[fitting].sum()
    assert record["steps"] == 2 * math.ceil(fitting.sum() / 3)
    assert math.isfinite(record["final_loss"])
    assert (record["precision"], record["resumed_from_step"]) == ("float32", 0)
    assert AutoModelForCausalLM.from_pretrained(folder).dtype == torch.bfloat16
    assert AutoTokenizer.from_pretrained(folder).chat_template
    assert not (store / "work" / SFT).exists()


def test_the_command_says_which_row_is_too_long_and_publishes_nothing(
    store, middle_length, monkeypatch, capsys
):
    options = arguments(store, max_length=middle_length, over_length="raise")
    monkeypatch.setattr(sys, "argv", ["train_sft.py", *options])
    # The command sets these; they are put back after the test.
    for name, value in {"CUDA_VISIBLE_DEVICES": "0", "OMP_WAIT_POLICY": "PASSIVE"}.items():
        monkeypatch.setenv(name, os.environ.get(name, value))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    with pytest.raises(SystemExit) as stopped:
        train_sft.main()
    assert stopped.value.code == 1
    message = rf"error: tiny · long: training row 'p\d+' has \d+ tokens.* is {middle_length};"
    assert re.search(message, capsys.readouterr().err)
    assert not (store / "sft" / SFT).exists()
