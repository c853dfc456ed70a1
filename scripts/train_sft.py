"""Fine-tune a student on a training set: loss on the response only, the student's own template.

    python scripts/train_sft.py --manifest results/store/manifests/KEY.json \\
        --out results/store/sft/KEY/record.json

Parents: `model`, a model folder, and `training_set`, a folder with train.parquet. The artefact is a
model folder in bfloat16; an adapter is merged into the weights.
"""

from __future__ import annotations

from dataclasses import asdict

from cotdistil.job import run_job


def main() -> None:
    with run_job(__doc__) as job:
        import os

        # TRL refuses to run in one process that sees several GPUs.
        visible = os.environ.get("CUDA_VISIBLE_DEVICES", "0")
        os.environ["CUDA_VISIBLE_DEVICES"] = visible.partition(",")[0]
        import torch
        import transformers

        from cotdistil.training.dataset import write_tokens
        from cotdistil.training.end_of_turn import end_of_turn_id
        from cotdistil.training.examples import ExampleMaker
        from cotdistil.training.saving import save_student
        from cotdistil.training.sft import train

        torch.set_num_threads(job.threads)
        transformers.utils.logging.disable_progress_bar()
        params = job.params
        student = job.parent("model")
        tokenizer = transformers.AutoTokenizer.from_pretrained(student)
        end_of_turn = end_of_turn_id(tokenizer)
        maker = ExampleMaker(
            tokenizer,
            end_of_turn,
            params["max_length"],
            params["over_length"],
            params["instruction"],
        )
        tokens = job.work / "tokens.arrow"
        write_tokens(job.parent("training_set") / "train.parquet", maker, tokens)
        trained = train(student, tokenizer, tokens, params, job.work, job.progress)
        save_student(trained.model, tokenizer, end_of_turn, job.staging)
        job.publish(
            {
                **asdict(maker.ledger),
                "steps": trained.steps,
                "final_loss": trained.final_loss,
                "precision": trained.precision,
                "tokens_per_second": round(trained.tokens_per_second, 1),
                "training_seconds": round(trained.seconds, 1),
                "resumed_from_step": trained.resumed_from_step,
            }
        )


if __name__ == "__main__":
    main()
