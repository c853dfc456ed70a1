"""TRL's SFT trainer, fed with rows that hold no padding and few repeated tokens."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch.nn.functional import cross_entropy
from trl import SFTTrainer

from cotdistil.training.dataset import TokenStore
from cotdistil.training.packing import micro_batches
from cotdistil.training.shared_prefix import lay_out


def row_collator(
    store: TokenStore, budget: int, side_by_side: bool
) -> Callable[[list[dict]], dict]:
    """Collates the `members` (indices into `store`) of one optimizer step into rows.

    budget: tokens per row that bound the memory; side_by_side: whether a row may hold several
    examples. `n_learned` is the number of tokens that carry loss in the whole step.
    """

    def collate(steps: list[dict]) -> dict:
        members = [index for step in steps for index in step["members"]]
        examples = []
        for index in members:
            ids, prompt_length = store[index]
            examples.append((torch.tensor(ids, dtype=torch.long), prompt_length))
        if side_by_side:
            rows = micro_batches([len(tokens) for tokens, _ in examples], budget)
        else:
            rows = [[index] for index in range(len(examples))]
        return {
            "rows": [lay_out([examples[index] for index in row]) for row in rows],
            "n_learned": sum(len(tokens) - prompt for tokens, prompt in examples),
            "n_tokens": sum(len(tokens) for tokens, _ in examples),
        }

    return collate


class RowTrainer(SFTTrainer):
    """One optimizer step over rows of uneven size, each learned token weighing the same."""

    trained_tokens = 0

    def training_step(self, model, inputs, num_items_in_batch=None) -> torch.Tensor:
        """Backpropagate row by row; returns the step's mean loss per learned token."""
        model.train()
        self.trained_tokens += inputs["n_tokens"]
        total = torch.zeros((), device=self.args.device)
        for row in inputs["rows"]:
            row = self._prepare_inputs(row)
            with self.compute_loss_context_manager():
                loss = self.compute_loss(model, row, num_items_in_batch=inputs["n_learned"])
            self.accelerator.backward(loss)
            total += loss.detach()
        return total

    def compute_loss(self, model, inputs, return_outputs=False, num_items_in_batch=None):
        """Negative log-likelihood of the learned tokens, divided by `num_items_in_batch`.

        On a GPU that is TRL's fused kernel. Elsewhere TRL projects every position onto the
        vocabulary and takes entropies too, which costs more than a third of the step on a CPU.
        """
        if inputs["input_ids"].device.type == "cuda":
            return super().compute_loss(model, inputs, return_outputs, num_items_in_batch)
        labels = inputs.pop("labels")[0, 1:]
        learned = (labels != -100).nonzero().flatten()
        logits = model(**inputs, use_cache=False, logits_to_keep=learned).logits[0]
        return cross_entropy(logits.float(), labels[learned], reduction="sum") / num_items_in_batch

    def create_model_card(self, *_, **__) -> None:
        """Checkpoints are for going on, not for publishing."""
