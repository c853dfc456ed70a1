"""The quickstart's whole DAG, run for real with a tiny random student; killed; edited meanwhile."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

from checkout import Checkout
from tiny_experiment import make_tiny_quickstart

COLUMNS = [
    *("student", "recipe", "stage", "seed", "benchmark", "n", "k", "accuracy", "ci_low", "ci_high"),
    *("delta_vs_base", "delta_ci_low", "delta_ci_high", "mean_tokens", "truncated", "unparsed"),
]


def run(checkout: Checkout, *arguments: str) -> str:
    result = checkout.snakemake("--cores", "2", *arguments)
    assert result.returncode == 0, result.stdout
    return result.stdout


def start(checkout: Checkout) -> subprocess.Popen:
    """Snakemake in the background, in a session of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "snakemake", "--cores", "2"],
        cwd=checkout.folder,
        stdout=(checkout.folder / "run.log").open("w"),
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )


def wait_for(condition, what: str, seconds: float = 240):
    """The first true value of `condition()`."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = condition()
        if found:
            return found
        time.sleep(0.05)
    pytest.fail(f"{what} did not happen within {seconds} s")


def commands_of(checkout: Checkout, script: str) -> list[int]:
    """Process ids of a workflow command that runs in this checkout."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes().split(b"\0")
            inside = os.readlink(process / "cwd") == str(checkout.folder)
        except OSError:
            continue
        if inside and f"scripts/{script}".encode() in words:
            found.append(int(process.name))
    return found


def stages(jobs: list[str]) -> set[str]:
    return {job.split(":")[0] for job in jobs if ":" in job}


def table(checkout: Checkout) -> str:
    return (checkout.folder / "results/tiny/tables/summary.csv").read_text()


@pytest.fixture
def two_arms(tmp_path, tiny_student):
    """Base and short: enough to run, kill and run again."""
    return make_tiny_quickstart(tmp_path / "project", tiny_student, recipes=("short",))


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory, tiny_student):
    """The table of the two arms, from a run without disturbance."""
    folder = tmp_path_factory.mktemp("undisturbed") / "project"
    checkout = make_tiny_quickstart(folder, tiny_student, recipes=("short",))
    run(checkout)
    return table(checkout)


def test_the_whole_dag_ends_in_tables_that_hold_what_they_promise(tmp_path, tiny_student):
    checkout = make_tiny_quickstart(tmp_path / "project", tiny_student)
    output = run(checkout)
    results = checkout.folder / "results" / "tiny"
    summary = pd.read_csv(results / "tables" / "summary.csv")
    assert list(summary.columns) == COLUMNS
    assert list(summary["recipe"]) == ["base", "short", "long", "mix", "pruned"]
    assert (summary["n"] == 6).all()
    assert summary.loc[1:, "delta_vs_base"].notna().all()
    assert (summary["ci_low"] <= summary["accuracy"]).all()
    assert (summary["accuracy"] <= summary["ci_high"]).all()
    gaps = pd.read_csv(results / "tables" / "gaps.csv")
    assert list(gaps["gap"]) == ["delta_long"]
    assert "| pruned |" in (results / "tables" / "summary.md").read_text()
    assert (results / "figures" / "accuracy_vs_tokens.png").stat().st_size > 10_000
    [pruned] = pd.read_csv(results / "tables" / "pruning.csv").to_dict("records")
    assert (pruned["recipe"], pruned["student"], pruned["cutter"]) == ("pruned", "tiny", "binary")
    assert pruned["traces_in"] == 8
    assert 0 < pruned["share_of_tokens_left"] <= 1
    reasons = pd.read_csv(results / "tables" / "pruning_reasons.csv")
    assert reasons["traces"].sum() == 8
    assert reasons["kept"].sum() == pruned["traces_out"]
    assert (results / "figures" / "pruning.png").stat().st_size > 10_000
    pages = {file.name for file in (results / "traces").iterdir()}
    assert pages == {"index.html", "short.html", "long.html", "mix.html", "pruned.html"}
    assert "pruned · tiny" in (results / "traces" / "index.html").read_text()
    assert (results / "arms/tiny/mix/sft/seed-0/model/model.safetensors").exists()
    # What a person sees: the progress of each job, the table, and where the files are.
    assert "sft           tiny · mix · seed 0" in output
    assert "accuracy %" in output
    assert "results/tiny/tables" in output
    for file in results.parent.glob("store/*/*/record.json"):
        record = json.loads(file.read_text())
        if record["stage"] in ("training_sets", "pruned", "sft", "scores"):
            assert record["rows_in"] == record["rows_out"] + sum(record["dropped"].values())

    assert checkout.planned_jobs() == []
    config = checkout.config()
    config["benchmarks"]["sums"]["score_truncated"] = True
    checkout.write_config(config)
    assert stages(checkout.planned_jobs()) == {"figures", "scores", "tables"}
    run(checkout)
    assert checkout.planned_jobs() == []


def test_snakemake_killed_with_its_jobs_goes_on_to_the_same_tables(two_arms, undisturbed):
    process = start(two_arms)
    wait_for(lambda: commands_of(two_arms, "generate_samples.py"), "sampling")
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    run(two_arms)
    assert table(two_arms) == undisturbed


def test_a_job_that_outlives_a_killed_snakemake_is_taken_over(two_arms, undisturbed):
    process = start(two_arms)
    wait_for(lambda: commands_of(two_arms, "train_sft.py"), "training")
    process.kill()
    process.wait()
    output = run(two_arms)
    assert table(two_arms) == undisturbed
    assert "made by another process" in output or "already made" in output


def test_a_killed_job_fails_the_run_and_the_same_command_completes_it(two_arms, undisturbed):
    process = start(two_arms)
    for pid in wait_for(lambda: commands_of(two_arms, "train_sft.py"), "training"):
        os.kill(pid, signal.SIGKILL)
    assert process.wait() != 0
    run(two_arms)
    assert table(two_arms) == undisturbed


def test_an_edit_while_jobs_run_leaves_nothing_inconsistent(two_arms, undisturbed):
    """Jobs go on as planned; one whose code is edited stops with a clear word."""
    planned = two_arms.config()
    process = start(two_arms)
    wait_for(lambda: commands_of(two_arms, "train_sft.py"), "training")
    edited = two_arms.config()
    edited["benchmarks"]["sums"]["max_tokens"] = 5
    two_arms.write_config(edited)
    plot = two_arms.folder / "scripts" / "plot_accuracy_tokens.py"
    plot.write_text(plot.read_text() + "\nEDITED = True\n")
    assert process.wait() != 0
    log = (two_arms.folder / "run.log").read_text()
    assert "the code of stage 'figures' changed after this job was planned" in log
    # Everything before the figure was made as it was planned, under its own keys.
    assert stages(two_arms.planned_jobs()) == {"figures", "samples", "scores", "tables"}
    two_arms.write_config(planned)
    assert stages(two_arms.planned_jobs()) == {"figures"}
    run(two_arms)
    assert table(two_arms) == undisturbed


def test_a_second_run_in_the_same_folder_is_refused_while_the_first_works(two_arms):
    process = start(two_arms)
    try:
        wait_for(lambda: commands_of(two_arms, "train_sft.py"), "a job")
        second = two_arms.snakemake("--cores", "1")
        assert second.returncode != 0
        assert f"another run (process {process.pid})" in second.stdout
        assert "Traceback" not in second.stdout
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def test_a_results_folder_that_cannot_be_written_is_one_clear_error(two_arms):
    results = two_arms.folder / "results"
    results.symlink_to("/proc/self")  # where nobody can make a file, root neither
    result = two_arms.snakemake("--cores", "1")
    assert result.returncode != 0
    assert "cannot be written" in result.stdout
    assert "Traceback" not in result.stdout
    results.unlink()
    results.write_text("a file where the folder should be")
    result = two_arms.snakemake("--cores", "1")
    assert result.returncode != 0
    assert "found a file; expected a folder" in result.stdout
    assert "Traceback" not in result.stdout
