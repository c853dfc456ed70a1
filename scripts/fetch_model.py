"""Bring a model into the store: config, safetensors, tokenizer with its chat template.

    python scripts/fetch_model.py --manifest results/store/manifests/KEY.json \
        --out results/store/models/KEY/record.json

The model comes from an installed package (a GGUF file, dequantised), from the Hugging Face hub at a
pinned revision, or from a local folder. Only safetensors and GGUF are read, never remote code.
"""

import importlib
import json
from pathlib import Path

from cotdistil.errors import UserError
from cotdistil.job import run_job


def main() -> None:
    with run_job(__doc__) as job:
        source = importlib.import_module(f"cotdistil.models.{job.params['kind']}")
        where = source.fetch(job)
        check_model_folder(job.staging)
        size = sum(file.stat().st_size for file in job.staging.iterdir())
        job.publish({"source": where, "bytes": size, "parameters": count_parameters(job.staging)})


def check_model_folder(folder: Path) -> None:
    """Raise `UserError` unless the folder holds what training and sampling need."""
    if not (folder / "config.json").exists() or not list(folder.glob("*.safetensors")):
        raise UserError(
            f"found {sorted(file.name for file in folder.iterdir())}; expected config.json and"
            " *.safetensors; take a model that is saved as safetensors"
        )
    config = folder / "tokenizer_config.json"
    in_config = config.exists() and json.loads(config.read_text()).get("chat_template")
    if not in_config and not (folder / "chat_template.jinja").exists():
        raise UserError(
            "the model's tokenizer has no chat template; a student is asked and trained through its"
            " own; take an instruction-tuned model, or add chat_template.jinja to a local copy"
        )


def count_parameters(folder: Path) -> int:
    """Number of weights in the folder's safetensors, tied ones counted once."""
    import math

    from safetensors import safe_open

    total = 0
    for file in folder.glob("*.safetensors"):
        with safe_open(file, framework="pt") as tensors:
            total += sum(math.prod(tensors.get_slice(key).get_shape()) for key in tensors.keys())  # noqa: SIM118
    return total


if __name__ == "__main__":
    main()
