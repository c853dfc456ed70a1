"""A model inside an installed Python package, as a GGUF file."""

import importlib.metadata
from pathlib import Path

from cotdistil.errors import UserError
from cotdistil.job import Job


def fetch(job: Job) -> str:
    """Dequantise the package's GGUF file into `job.staging`; returns what was read."""
    path = gguf_path(job.params["package"], job.params["version"], job.params["gguf"])

    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

    folder, file = str(path.parent), path.name
    tokenizer = AutoTokenizer.from_pretrained(folder, gguf_file=file)
    # Without `dequantize` the weights stay packed and cannot be saved or trained.
    model = AutoModelForCausalLM.from_pretrained(
        folder,
        gguf_file=file,
        quantization_config=GgufConfig(dequantize=True),
        dtype=torch.bfloat16,
    )
    model.save_pretrained(job.staging)
    tokenizer.save_pretrained(job.staging)
    return f"{job.params['package']} {job.params['version']}: {file}"


def gguf_path(package: str, version: str, file_name: str) -> Path:
    """The GGUF file of an installed package. Raises `UserError` if it is not there."""
    try:
        distribution = importlib.metadata.distribution(package)
    except importlib.metadata.PackageNotFoundError:
        raise UserError(
            f"the package '{package}' is not installed here; expected version {version}; run"
            f" 'pip install --no-deps {package}=={version}'"
        ) from None
    if distribution.version != version:
        raise UserError(
            f"version {distribution.version} of '{package}' is installed; the config asks for"
            f" {version}; install that one or change 'version'"
        )
    files = [file for file in distribution.files or [] if file.name.endswith(".gguf")]
    for file in files:
        if file.name == file_name:
            return Path(distribution.locate_file(file))
    raise UserError(
        f"the package '{package}' has no file '{file_name}'; its GGUF files are"
        f" {sorted(file.name for file in files)}; correct 'gguf'"
    )
