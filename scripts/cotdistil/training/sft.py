"""From a student's folder and a token file to the trained student."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import datasets
import torch
from transformers import AutoModelForCausalLM, PreTrainedModel, set_seed
from transformers.trainer_callback import PrinterCallback
from trl import SFTConfig

from cotdistil.precision import pick_dtype
from cotdistil.training.checkpoints import ReportProgress, TimedCheckpoints, last_whole_checkpoint
from cotdistil.training.dataset import TokenStore
from cotdistil.training.packing import pack_rows
from cotdistil.training.shared_prefix import use_shared_prefix
from cotdistil.training.trainer import RowTrainer, row_collator

# Tokens per forward pass; it bounds memory and decides no result.
ROW_BUDGET = {"cpu": 1024, "cuda": 8192}
RECOMPUTE_ABOVE = 4096

_SCHEDULERS = {"cosine": "cosine", "linear": "linear", "constant": "constant_with_warmup"}
_TARGETS = {
    "all-linear": "all-linear",
    "attention": ["q_proj", "k_proj", "v_proj", "o_proj"],
}


@dataclass
class Trained:
    """The trained model (with its adapter, if any) and what training took."""

    model: PreTrainedModel
    steps: int
    final_loss: float
    precision: str
    tokens_per_second: float
    seconds: float
    resumed_from_step: int


def train(
    model_folder: Path,
    tokenizer,
    tokens: Path,
    params: dict,
    work: Path,
    progress: Callable[[int, int, str], None],
    checkpoint_seconds: float = 60.0,
) -> Trained:
    """Fine-tune the model on the token file, going on from the last whole checkpoint in `work`.

    params: the stage's resolved config. The result is the same, bit for bit, with and without
    interruptions, for one seed, machine and number of threads.
    """
    device = "cuda" if torch.cuda.is_available() else "cpu"
    dtype = pick_dtype(params["precision"])
    lora = params["lora"]
    # What is updated stays in float32: an update is smaller than a bfloat16 weight's last bit.
    frozen = dtype if lora else torch.float32
    model = AutoModelForCausalLM.from_pretrained(
        model_folder, dtype=frozen, attn_implementation="sdpa", trust_remote_code=False
    )
    side_by_side = use_shared_prefix(model)
    store = TokenStore(tokens)
    if params["packing"]:
        members = pack_rows(store.lengths.tolist(), params["max_length"])
    else:
        members = [[index] for index in range(len(store))]
    budget = ROW_BUDGET[device]
    set_seed(params["seed"])
    config = SFTConfig(
        output_dir=str(work),
        num_train_epochs=params["epochs"],
        per_device_train_batch_size=params["batch_size"],
        gradient_accumulation_steps=1,
        learning_rate=params["learning_rate"],
        lr_scheduler_type=_SCHEDULERS[params["lr_scheduler"]],
        warmup_steps=_warmup_steps(params, len(members)),
        weight_decay=params["weight_decay"],
        seed=params["seed"],
        data_seed=params["seed"],
        # With an adapter a CPU needs no autocast: the frozen weights are in `dtype` already.
        bf16=dtype == torch.bfloat16 and not (lora and device == "cpu"),
        gradient_checkpointing=max(budget, int(store.lengths.max())) > RECOMPUTE_ABOVE
        and device == "cuda",
        max_length=None,
        dataset_kwargs={"skip_prepare_dataset": True},
        remove_unused_columns=False,
        dataloader_num_workers=0,
        use_cpu=device == "cpu",
        save_strategy="no",
        save_total_limit=2,
        logging_steps=1,
        report_to="none",
        disable_tqdm=True,
    )
    trainer = RowTrainer(
        model=model,
        args=config,
        data_collator=row_collator(store, budget, side_by_side),
        train_dataset=datasets.Dataset.from_dict({"members": members}),
        processing_class=tokenizer,
        callbacks=[ReportProgress(progress), TimedCheckpoints(work, checkpoint_seconds)],
        peft_config=_lora_config(lora) if lora else None,
    )
    trainer.remove_callback(PrinterCallback)
    checkpoint = last_whole_checkpoint(work)
    started = time.monotonic()
    trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
    seconds = time.monotonic() - started
    losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    return Trained(
        model=trainer.model,
        steps=trainer.state.global_step,
        final_loss=sum(losses[-10:]) / len(losses[-10:]),
        precision=str(dtype).removeprefix("torch."),
        tokens_per_second=trainer.trained_tokens / seconds,
        seconds=seconds,
        resumed_from_step=int(checkpoint.name.rpartition("-")[2]) if checkpoint else 0,
    )


def _warmup_steps(params: dict, rows: int) -> int:
    steps = math.ceil(math.ceil(rows / params["batch_size"]) * params["epochs"])
    return math.ceil(steps * params["warmup_ratio"])


def _lora_config(lora: dict):
    from peft import LoraConfig

    return LoraConfig(
        r=lora["rank"],
        lora_alpha=lora["alpha"],
        lora_dropout=lora["dropout"],
        target_modules=_TARGETS[lora["target"]],
        task_type="CAUSAL_LM",
    )
