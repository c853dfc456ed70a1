"""Preference pairs are what TRL trains on, as they lie on the disk."""

from __future__ import annotations

from pathlib import Path

import pytest

from cotdistil.pruning.pairs import pairs_schema, preference_pair
from cotdistil.responses import join_response
from tiny_model import make_tiny_model


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
    pairs = [
        preference_pair(row, pruned, "Use a box.", (9, 20))
        for row, pruned in zip(rows, cut, strict=True)
    ]
    schema = pairs_schema(pa.Table.from_pylist(rows).schema)
    pq.write_table(pa.Table.from_pylist(pairs, schema=schema), tmp_path / "pairs.parquet")

    model = make_tiny_model(tmp_path / "model")
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
