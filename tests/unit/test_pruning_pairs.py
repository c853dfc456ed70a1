"""Preference pairs are what TRL trains on, as they lie on the disk."""

from __future__ import annotations

from pathlib import Path

import pytest

from cotdistil.pruning.pairs import PairMaker, pairs_schema
from cotdistil.responses import join_response
from tiny_model import make_tiny_model, make_tiny_tokenizer


@pytest.mark.filterwarnings("ignore")
def test_dpo_training_reads_the_pairs_and_learns_to_prefer_the_cut_trace(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq
    from datasets import Dataset
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from trl import DPOConfig, DPOTrainer

    rows = [
        {
            "problem_id": f"sum-{n}",
            "question": f"What is {n} + 1?",
            "gold": str(n + 1),
            "response": join_response("Add one. Wait, is it so? Yes.", f"It is {n + 1}."),
        }
        for n in range(4)
    ]
    cut = [row | {"response": join_response("Add one.", "It is so.")} for row in rows]
    model = make_tiny_model(tmp_path / "model")
    maker = PairMaker(AutoTokenizer.from_pretrained(model), "Use a box.", "<|im_end|>")
    pairs = [maker.make(row, pruned, (9, 20)) for row, pruned in zip(rows, cut, strict=True)]
    schema = pairs_schema(pa.Table.from_pylist(rows).schema)
    pq.write_table(pa.Table.from_pylist(pairs, schema=schema), tmp_path / "pairs.parquet")

    trainer = DPOTrainer(
        model=AutoModelForCausalLM.from_pretrained(model),
        args=DPOConfig(
            output_dir=str(tmp_path / "out"),
            per_device_train_batch_size=4,
            max_steps=8,
            learning_rate=1e-2,
            logging_steps=1,
            report_to=[],
            use_cpu=True,
            bf16=False,
            disable_tqdm=True,
            max_length=None,
        ),
        train_dataset=Dataset.from_parquet(str(tmp_path / "pairs.parquet")),
        processing_class=AutoTokenizer.from_pretrained(model),
    )
    trainer.train()
    losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    assert losses[-1] < losses[0]


OPENS_THINKING = (
    "{% for message in messages %}"
    "{{ '<|im_start|>' + message['role'] + '\\n' + message['content'].split('</think>')[-1] }}"
    "{{ '<|im_end|>\\n' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n<think>\\n' }}{% endif %}"
)


def test_a_template_that_opens_the_thinking_and_hides_it_later_leaves_two_different_sides(
    tmp_path: Path,
) -> None:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(make_tiny_tokenizer(tmp_path))
    tokenizer.chat_template = OPENS_THINKING
    row = {"problem_id": "1", "question": "2 + 2?", "gold": "4"}
    full = row | {"response": join_response("Add. Wait.", "4")}
    pair = PairMaker(tokenizer, None, "<|im_end|>").make(
        full, row | {"response": join_response("Add.", "4")}, (1, 2)
    )
    assert pair["prompt"].endswith("<|im_start|>assistant\n<think>\n")
    assert pair["chosen"] == "Add.\n</think>\n\n4<|im_end|>"
    assert pair["rejected"] == "Add. Wait.\n</think>\n\n4<|im_end|>"
