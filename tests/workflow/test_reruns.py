"""What runs again after edits that are more than one key: things added, renamed, copied, lost."""

import json
import os
import random
import re
import shutil
import subprocess
import sys

import pytest

from checkout import Checkout
from cotdistil.config.file import check_config
from cotdistil.errors import ConfigError

PUBLISH = ["publishing the tables of quickstart", "results/quickstart"]
REPORT = ["figures: quickstart", *PUBLISH, "tables: quickstart"]
LEDGER = "ledger: quickstart"
PRUNING = "pruning tables: quickstart"
INDEX = "trace index: quickstart"
ARM = "smollm2-135m · {} · seed {}"
ARMS = ["smollm2-135m · base", *(ARM.format(r, 0) for r in ("short", "long", "mix", "pruned"))]


def arm_jobs(recipe, seed=0, benchmark="sums"):
    arm = ARM.format(recipe, seed)
    return [f"SFT: {arm}", f"samples: {arm} · {benchmark}", f"scores: {arm} · {benchmark}"]


def page_jobs(*titles):
    """The pages of traces with these titles, and their table of contents."""
    return [*(f"trace browser: {title}" for title in titles), INDEX]


PRUNED_PAGE = "pruned · smollm2-135m"


def edit(checkout: Checkout, change):
    config = checkout.config()
    change(config)
    checkout.write_config(config)


def edit_text(checkout: Checkout, file, old, new):
    path = checkout.folder / file
    text = path.read_text()
    assert old in text, f"{file} has no {old!r}"
    path.write_text(text.replace(old, new, 1))


# --- additions and removals ---------------------------------------------------------------------


def test_two_values_swapped_run_what_either_decides(finished):
    def swap(config):
        teacher = config["teachers"]["careful"]
        teacher["double_check"], teacher["second_thought"] = (
            teacher["second_thought"],
            teacher["double_check"],
        )

    edit(finished, swap)
    jobs = ["corpus: long", "training set: long", "training set: mix", LEDGER]
    jobs += ["token counts: long in tokens of smollm2-135m"]
    jobs += ["pruning: smollm2-135m · pruned", *arm_jobs("long"), *arm_jobs("mix")]
    jobs += page_jobs("long", "mix", PRUNED_PAGE)
    assert finished.planned_jobs() == sorted([*jobs, *arm_jobs("pruned"), PRUNING, *REPORT])


def test_a_seed_added_runs_its_arms_only(finished):
    edit(finished, lambda config: config.update(seeds=[0, 1]))
    jobs = [job for recipe in ("short", "long", "mix", "pruned") for job in arm_jobs(recipe, 1)]
    assert finished.planned_jobs() == sorted([*jobs, *REPORT])


def test_a_recipe_added_runs_its_arm_only(finished):
    half = {"mix": {"long": 1.0, "short": 1.0}}
    edit(finished, lambda config: config["recipes"].update(half=half))
    assert finished.planned_jobs() == sorted(
        ["training set: half", LEDGER, *arm_jobs("half"), *page_jobs("half"), *REPORT]
    )


def test_a_recipe_made_of_two_others_crosses_them(finished):
    both = {"mix": {"pruned": 1.0, "short": 4.0}}
    edit(finished, lambda config: config["recipes"].update(both=both))
    assert finished.planned_jobs() == sorted(
        ["training set: both", LEDGER, *arm_jobs("both"), *page_jobs("both"), *REPORT]
    )


def test_a_recipe_removed_runs_only_the_tables(finished):
    edit(finished, lambda config: config["recipes"].pop("pruned"))
    assert finished.planned_jobs() == sorted([LEDGER, INDEX, *REPORT])


def test_a_recipe_renamed_runs_only_the_tables_and_its_page(finished):
    def rename(config):
        config["recipes"]["brief"] = config["recipes"].pop("short")
        config["recipes"]["mix"]["mix"] = {"long": 0.2, "brief": 0.8}
        config["gaps"]["delta_long"]["minus"] = "brief"

    edit(finished, rename)
    assert finished.planned_jobs() == sorted([LEDGER, *page_jobs("brief"), *REPORT])


def test_a_pruned_recipe_renamed_runs_only_the_tables_and_its_page(finished):
    edit(finished, lambda config: config["recipes"].update(cut=config["recipes"].pop("pruned")))
    jobs = [LEDGER, PRUNING, *page_jobs("cut · smollm2-135m"), *REPORT]
    assert finished.planned_jobs() == sorted(jobs)


def test_a_second_cutter_is_tabulated_beside_the_first(finished):
    full = {"prune": {"recipe": "long", "cutter": "full", "max_tokens": 8, "backend": "vllm"}}
    edit(finished, lambda config: config["recipes"].update(full=full))
    jobs = ["pruning: smollm2-135m · full", *arm_jobs("full"), LEDGER, PRUNING, *REPORT]
    jobs += page_jobs("full · smollm2-135m")
    assert finished.planned_jobs() == sorted(jobs)


def test_a_student_renamed_runs_only_the_tables_and_its_pages(finished):
    def rename(config):
        config["models"]["tiny"] = config["models"].pop("smollm2-135m")
        config["students"] = ["tiny"]

    edit(finished, rename)
    assert finished.planned_jobs() == sorted([PRUNING, *page_jobs("pruned · tiny"), *REPORT])


def test_a_benchmark_renamed_runs_only_the_tables(finished):
    edit(finished, lambda config: config["benchmarks"].update(s=config["benchmarks"].pop("sums")))
    assert finished.planned_jobs() == sorted(REPORT)


def test_a_teacher_a_corpus_and_a_problem_set_renamed_run_only_the_ledger(finished):
    def rename(config):
        config["teachers"]["verbose"] = config["teachers"].pop("careful")
        config["problems"]["arithmetic"] = config["problems"].pop("sums")
        config["corpora"] = {
            "a": {"teacher": "verbose", "problems": "arithmetic"},
            "b": {"teacher": "terse", "problems": "arithmetic"},
        }
        config["recipes"]["long"]["take"] = "a"
        config["recipes"]["short"]["take"] = "b"
        config["benchmarks"]["sums"]["problems"] = "arithmetic"

    edit(finished, rename)
    assert finished.planned_jobs() == sorted([LEDGER, *PUBLISH])


def test_a_benchmark_added_samples_every_arm_on_it_and_trains_nothing(finished):
    def add(config):
        config["benchmarks"]["longer"] = {**config["benchmarks"]["sums"], "max_tokens": 700}

    edit(finished, add)
    jobs = [f"{stage}: {arm} · longer" for stage in ("samples", "scores") for arm in ARMS]
    assert finished.planned_jobs() == sorted([*jobs, *REPORT])


def test_a_benchmark_of_other_problems_added_screens_the_training_problems_for_them(finished):
    def add(config):
        config["problems"]["more"] = {"kind": "arithmetic", "test": 5}
        config["benchmarks"]["more"] = {**config["benchmarks"]["sums"], "problems": "more"}

    edit(finished, add)
    jobs = finished.planned_jobs()
    assert "screening: sums · train" in jobs
    assert {"training set: long", "training set: short"} <= set(jobs)
    assert not {"corpus: long", "corpus: short", "samples: smollm2-135m · base · sums"} & set(jobs)


GENERATING = {
    "local": {"kind": "model", "model": "smollm2-135m", "max_tokens": 8},
    "far": {"kind": "endpoint", "model": "r1", "max_tokens": 8, "samples": 2, "temperature": 1.0},
}


def with_generating_teachers(config):
    config["teachers"] |= GENERATING
    config["teachers"]["far"]["shards"] = 2
    for name in GENERATING:
        config["corpora"][name] = {"teacher": name, "problems": "sums"}
        config["recipes"][name] = {"take": name}


def test_a_generating_teacher_answers_in_shards_and_then_is_graded(finished):
    edit(finished, with_generating_teachers)
    jobs = finished.planned_jobs()
    expected = {"responses: local", "corpus: local", "corpus: far"}
    expected |= {f"responses: far · shard {shard} of 2" for shard in (1, 2)}
    assert expected <= set(jobs)
    assert [job for job in jobs if job.startswith(("problems", "model"))] == []


@pytest.mark.parametrize(
    ("key", "value", "starts"),
    [
        ("concurrency", 3, []),
        ("token_budget", 5000, []),
        ("price", {"prompt": 1.0, "completion": 2.0}, ["ledger"]),
        ("fallback", ["last_number"], ["corpus"]),
        ("samples", 4, ["responses", "corpus"]),
        ("temperature", 0.5, ["responses", "corpus"]),
    ],
)
def test_a_key_of_an_endpoint_runs_what_it_decides(finished, key, value, starts):
    edit(finished, with_generating_teachers)
    finished.pretend_all_is_done()
    assert finished.planned_jobs() == []
    edit(finished, lambda config: config["teachers"]["far"].update({key: value}))
    jobs = finished.planned_jobs()
    found = {job.split(":")[0] for job in jobs if job.startswith(("responses", "corpus", "ledger"))}
    assert found == {*starts, *(["ledger"] if starts else [])}
    assert not [job for job in jobs if "local" in job]


def test_a_student_added_runs_its_own_arms_only(finished, tmp_path):
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    (folder / "model.safetensors").write_bytes(b"weights")

    def add(config):
        config["models"]["other"] = {"folder": str(folder)}
        config["students"].append("other")

    edit(finished, add)
    jobs = finished.planned_jobs()
    assert [job for job in jobs if "smollm2-135m" in job] == []
    assert [job for job in jobs if job.startswith(("corpus", "training set", "problems"))] == []
    # Its model, its own pruning and the page of that, four trainings, samples and scores of five
    # arms.
    assert len([job for job in jobs if "other" in job]) == 1 + 2 + 4 + 5 + 5


def test_a_changed_segmentation_runs_the_steps_and_the_pruning_behind_them(finished):
    def segment(config):
        config["recipes"]["pruned"]["prune"]["segmentation"] = {"model": "smollm2-135m"}

    def reword(config):
        config["recipes"]["pruned"]["prune"]["segmentation"]["instruction"] = "Which?"

    behind = ["pruning: smollm2-135m · pruned", *arm_jobs("pruned"), LEDGER, PRUNING, *REPORT]
    behind += page_jobs(PRUNED_PAGE)
    for change in (segment, reword):
        assert finished.planned_jobs() == []
        edit(finished, change)
        assert finished.planned_jobs() == sorted(["steps: long by smollm2-135m", *behind])
        finished.pretend_all_is_done()


def test_an_unused_entry_costs_nothing(finished):
    unused = {"hub": "a/b", "revision": "0" * 40}
    edit(finished, lambda config: config["models"].update(unused=unused))
    assert finished.planned_jobs() == []


# --- the audit ----------------------------------------------------------------------------------

AUDIT = {"math_verify": True, "judge": {"model": "judge"}}
AUDIT_JOBS = [
    f"{stage}: {arm} · sums" for stage in ("second opinions", "judgements") for arm in ARMS
]


def test_an_audit_added_runs_only_the_audit(finished):
    edit(finished, lambda config: config.update(audit=AUDIT))
    assert finished.planned_jobs() == sorted([*AUDIT_JOBS, "audit: quickstart", *PUBLISH])


def test_an_audit_removed_runs_only_the_publishing(finished):
    edit(finished, lambda config: config.update(audit=AUDIT))
    finished.pretend_all_is_done()
    assert finished.planned_jobs() == []
    edit(finished, lambda config: config.pop("audit"))
    assert finished.planned_jobs() == PUBLISH


@pytest.mark.parametrize(
    ("change", "jobs"),
    [
        ({"concurrency": 2, "base_url_env": "JUDGE_URL", "api_key_env": "JUDGE_KEY"}, []),
        (
            {"max_tokens": 5},
            [*(job for job in AUDIT_JOBS if job.startswith("j")), "audit: quickstart", *PUBLISH],
        ),
    ],
)
def test_a_change_of_the_judge_runs_what_it_decides(finished, change, jobs):
    edit(finished, lambda config: config.update(audit=AUDIT))
    finished.pretend_all_is_done()
    edit(finished, lambda config: config["audit"]["judge"].update(change))
    assert finished.planned_jobs() == sorted(jobs)


def test_an_opinion_to_ask_for_again_takes_the_audit_along(finished):
    edit(finished, lambda config: config.update(audit=AUDIT))
    finished.pretend_all_is_done()
    opinion = sorted((finished.folder / "results/store/second_opinions").iterdir())[0]
    command = [sys.executable, "scripts/clean_store.py", "--remake"]
    command.append(f"second_opinions/{opinion.name}")
    subprocess.run(command, cwd=finished.folder, capture_output=True, check=True)
    jobs = finished.planned_jobs()
    assert len(jobs) == 2 + len(PUBLISH)
    assert jobs[0] == "audit: quickstart"
    assert jobs[-1].startswith("second opinions: ")


def test_an_audits_table_is_no_target_without_an_audit(finished):
    result = finished.snakemake("--dry-run", "results/quickstart/tables/audit.csv")
    assert result.returncode != 0


def test_an_arms_scores_changed_are_audited_again(finished):
    edit(finished, lambda config: config.update(audit=AUDIT))
    finished.pretend_all_is_done()
    edit(finished, lambda config: config["training"]["sft"].update(epochs=9))
    trained = [job for job in AUDIT_JOBS if "base" not in job]
    assert {*trained, "audit: quickstart"} <= set(finished.planned_jobs())
    assert not {job for job in AUDIT_JOBS if "base" in job} & set(finished.planned_jobs())


# --- the tables of pruning ----------------------------------------------------------------------


def test_the_tables_of_pruning_are_no_target_where_nothing_is_pruned(finished):
    target = "results/quickstart/tables/pruning.csv"
    assert finished.snakemake("--dry-run", target).returncode == 0
    edit(finished, lambda config: config["recipes"].pop("pruned"))
    assert finished.snakemake("--dry-run", target).returncode != 0


# --- pages of traces ------------------------------------------------------------------------------


def test_more_traces_on_a_page_make_the_pages_again_and_nothing_else(finished):
    edit(finished, lambda config: config.update(trace_browser={"traces": 20}))
    jobs = page_jobs("short", "long", "mix", PRUNED_PAGE)
    assert finished.planned_jobs() == sorted([*jobs, *PUBLISH])
    edit(finished, lambda config: config.update(trace_browser={"traces": 1000}))
    assert finished.planned_jobs() == []


def test_pages_are_not_made_where_the_config_says_so(finished):
    target = "results/quickstart/traces/index.html"
    assert finished.snakemake("--dry-run", target).returncode == 0
    edit(finished, lambda config: config.update(trace_browser=None))
    assert finished.planned_jobs() == PUBLISH
    assert finished.snakemake("--dry-run", target).returncode != 0


def test_an_edited_template_makes_the_pages_again_and_nothing_else(finished):
    edit_text(finished, "scripts/cotdistil/trace_browser/page.css", "margin: 0;", "margin: 1px;")
    jobs = page_jobs("short", "long", "mix", PRUNED_PAGE)
    assert finished.planned_jobs() == sorted([*jobs, *PUBLISH])


def test_an_edited_table_of_contents_makes_no_page_again(finished):
    edit_text(finished, "scripts/cotdistil/trace_index/page.html", "<h1>", "<h1>All ")
    assert finished.planned_jobs() == sorted([INDEX, *PUBLISH])


def test_the_pages_stand_in_the_named_folder_and_go_with_their_recipe_and_section(finished):
    finished.pretend_what_is_published()
    traces = finished.folder / "results/quickstart/traces"

    def published():
        result = finished.snakemake("--cores", "1")
        assert result.returncode == 0, result.stdout
        assert finished.planned_jobs() == []
        return sorted(file.name for file in traces.iterdir()) if traces.exists() else None

    next((finished.folder / "results/quickstart/published").glob("*.json")).unlink()
    pages = ["index.html", "long.html", "mix.html", "pruned.html", "short.html"]
    assert published() == pages
    edit(finished, lambda config: config.update(trace_browser=None))
    assert published() is None
    edit(finished, lambda config: config.pop("trace_browser"))
    assert published() == pages
    assert (traces / "mix.html").read_text() == "browser.html, made earlier"


# --- edits that change nothing --------------------------------------------------------------------


def test_key_order_explicit_defaults_and_2_for_2_0_run_nothing(finished):
    def reorder(value):
        if isinstance(value, dict):
            return {key: reorder(value[key]) for key in reversed(value)}
        return value

    config = {
        # The order of recipes is the order of the tables' rows.
        key: reorder(value) if key != "recipes" else value
        for key, value in reversed(finished.config().items())
    }
    config["training"]["sft"] |= {"weight_decay": 0, "over_length": "drop", "warmup_ratio": 0.05}
    config["training"]["sft"]["epochs"] = int(config["training"]["sft"]["epochs"])
    config["recipes"]["mix"]["mix"] = {"short": 4, "long": 1}
    config["prompt"] = {"instruction": None}
    finished.write_config(config)
    assert finished.planned_jobs() == []


def test_recipes_in_another_order_run_only_the_tables(finished):
    def reverse(config):
        config["recipes"] = dict(reversed(config["recipes"].items()))

    edit(finished, reverse)
    assert finished.planned_jobs() == sorted([LEDGER, INDEX, *REPORT])


def test_the_saved_resolved_config_is_the_same_experiment(finished):
    saved = finished.folder / "results" / "quickstart" / "config.yaml"
    assert finished.planned_jobs("--configfile", str(saved)) == []


def test_comments_and_docstrings_in_commands_and_helpers_run_nothing(finished):
    scripts = finished.folder / "scripts"
    for path in [*scripts.glob("*.py"), *scripts.glob("cotdistil/**/*.py")]:
        path.write_text(f"{path.read_text()}\n# a comment\n")
    edit_text(finished, "scripts/score_samples.py", '"""', '"""Another docstring. ')
    assert finished.planned_jobs() == []


def test_touched_files_with_random_dates_run_nothing_costly(finished):
    rng = random.Random(0)
    for path in finished.folder.rglob("*"):
        if not path.is_symlink():
            date = rng.uniform(1e9, 1.7e9)
            os.utime(path, (date, date))
    assert set(finished.planned_jobs()) <= set(PUBLISH)


def test_a_copied_tree_runs_nothing_costly(finished, tmp_path):
    shutil.copytree(
        finished.folder, tmp_path / "copy", symlinks=True, copy_function=shutil.copyfile
    )
    assert set(Checkout.at(tmp_path / "copy").planned_jobs()) <= set(PUBLISH)


def test_a_fresh_clone_with_the_results_and_no_snakemake_folder_runs_nothing(finished, tmp_path):
    clone = Checkout(tmp_path / "clone")
    shutil.copytree(finished.folder / "results", clone.folder / "results", symlinks=True)
    assert not (clone.folder / ".snakemake").exists()
    assert clone.planned_jobs() == []


# --- code and data --------------------------------------------------------------------------------


def test_an_edited_helper_reruns_what_it_decides_however_deep_it_is_imported(finished):
    edit_text(
        finished, "scripts/cotdistil/grading/values/numeric.py", "\ndef ", "\nEDITED = 1\n\n\ndef "
    )
    jobs = finished.planned_jobs()
    assert {f"scores: {arm} · sums" for arm in ARMS} <= set(jobs)
    assert "samples: smollm2-135m · base · sums" not in jobs
    assert [job for job in jobs if job.startswith("model")] == []


def test_an_edited_engine_reruns_only_what_that_engine_generates(finished):
    path = finished.folder / "scripts/cotdistil/engines/vllm_engine.py"
    path.write_text(f"{path.read_text()}\nEDITED = 1\n")
    jobs = ["pruning: smollm2-135m · pruned", *arm_jobs("pruned"), LEDGER, PRUNING, *REPORT]
    jobs += page_jobs(PRUNED_PAGE)
    assert finished.planned_jobs() == sorted(jobs)


def local_problems(finished, tmp_path):
    """The quickstart with an added benchmark from a local file, finished."""
    file = tmp_path / "problems.jsonl"
    file.write_text(json.dumps({"question": "1+1?", "answer": "2"}) + "\n")

    def add(config):
        config["problems"]["local"] = {"kind": "file", "test": str(file)}
        config["benchmarks"]["local"] = {"problems": "local", "max_tokens": 64}

    edit(finished, add)
    finished.pretend_all_is_done()
    assert finished.planned_jobs() == []
    return file


def test_a_data_file_replaced_by_one_with_an_older_date_reruns_its_benchmark(finished, tmp_path):
    file = local_problems(finished, tmp_path)
    other = tmp_path / "other.jsonl"
    other.write_text(json.dumps({"question": "1+2?", "answer": "3"}) + "\n")
    os.utime(other, (1e9, 1e9))
    other.replace(file)
    jobs = finished.planned_jobs()
    assert "problems: local · test" in jobs
    assert "samples: smollm2-135m · base · local" in jobs
    assert "samples: smollm2-135m · base · sums" not in jobs
    # Training problems are screened for its questions; what that leaves unchanged is linked.
    assert "screening: sums · train" in jobs


def test_a_data_file_moved_or_touched_reruns_nothing(finished, tmp_path):
    file = local_problems(finished, tmp_path)
    moved = file.rename(tmp_path / "moved.jsonl")
    os.utime(moved)
    edit(finished, lambda config: config["problems"]["local"].update(test=str(moved)))
    assert finished.planned_jobs() == []


# --- targets --------------------------------------------------------------------------------------


@pytest.mark.parametrize("target", [[], ["quickstart"], ["results/quickstart/tables/summary.csv"]])
def test_every_target_sees_that_an_artefact_to_remake_has_others_behind_it(finished, target):
    """A half-made output that exists must not hide that what hangs on it is missing."""
    store = finished.folder / "results" / "store"
    for stage in ("samples", "scores", "tables", "figures"):
        shutil.rmtree(store / stage)
    shutil.rmtree(finished.folder / "results" / "quickstart")
    sft = next(store.glob("sft/*/record.json")).relative_to(finished.folder)
    jobs = finished.planned_jobs(*target, "--forcerun", str(sft))
    assert set(REPORT) <= set(jobs)
    assert len([job for job in jobs if job.startswith("scores")]) == 5


def test_tables_of_another_config_are_never_left_under_the_experiments_name(finished):
    """After a change and back, with Snakemake's memory lost, the named tables are renewed."""
    marker = next((finished.folder / "results/quickstart/published").glob("*.json"))
    marker.rename(marker.with_name("0" * 20 + ".json"))
    shutil.rmtree(finished.folder / ".snakemake", ignore_errors=True)
    assert finished.planned_jobs() == PUBLISH


def test_another_experiments_tables_are_refused_with_a_word_on_configfile(finished):
    result = finished.snakemake("results/other/tables/summary.csv", "--dry-run")
    assert result.returncode != 0
    assert "give --configfile for the other one" in result.stdout


def test_a_dry_run_works_in_a_fresh_checkout_and_writes_nothing(tmp_path):
    checkout = Checkout(tmp_path / "fresh")
    assert len(checkout.planned_jobs()) == 36
    assert not (checkout.folder / "results").exists()


def test_the_explanation_names_the_value_that_changed(finished):
    edit(finished, lambda config: config["benchmarks"]["sums"].update(max_tokens=9))
    result = subprocess.run(
        [sys.executable, "scripts/explain_plan.py"],
        cwd=finished.folder,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "samples: max_tokens:" in result.stdout
    assert "→ 9" in result.stdout
    assert "and what follows from these: 5 scores, 1 tables, 1 figures" in result.stdout


def test_what_no_experiment_refers_to_is_listed_and_deleted_only_when_told(finished):
    def clean(*arguments):
        command = [sys.executable, "scripts/clean_store.py", *arguments]
        return subprocess.run(
            command, cwd=finished.folder, capture_output=True, text=True, check=True
        ).stdout

    assert " 0 artefacts" in clean()
    edit(finished, lambda config: config["recipes"].pop("pruned"))
    finished.pretend_all_is_done()
    # The pruned arm's training set, model, samples and scores, its page, and the page's table of
    # contents, tables, figure, ledger and the tables of pruning.
    assert " 10 artefacts not needed" in clean()
    assert finished.planned_jobs() == []
    assert " 10 artefacts deleted" in clean("--delete")
    assert " 0 artefacts" in clean()
    assert finished.planned_jobs() == []


def test_an_artefact_to_make_again_takes_all_that_is_made_from_it_along(finished):
    sft = next((finished.folder / "results/store/sft").iterdir())
    command = [sys.executable, "scripts/clean_store.py", "--remake", f"sft/{sft.name}"]
    subprocess.run(command, cwd=finished.folder, capture_output=True, check=True)
    jobs = finished.planned_jobs()
    assert {job.split(":")[0] for job in jobs if ":" in job} == {
        "SFT",
        "samples",
        "scores",
        "tables",
        "figures",
    }
    assert len(jobs) == 3 + 2 + len(PUBLISH)


def test_an_artefact_to_make_again_takes_along_what_killed_jobs_had_made_of_it(finished):
    store = finished.folder / "results/store"
    sft = next((store / "sft").iterdir()).name
    manifest = json.loads((store / "manifests" / f"{sft}.json").read_text())
    model = manifest["parents"]["model"]
    checkpoint, other = store / "work" / sft / "checkpoint", store / "work" / ("0" * 20) / "part"
    for path in (checkpoint, other):
        path.parent.mkdir(parents=True)
        path.touch()
    shutil.rmtree(store / "sft" / sft)
    command = [sys.executable, "scripts/clean_store.py", "--remake", model]
    subprocess.run(command, cwd=finished.folder, capture_output=True, check=True)
    assert not checkpoint.exists()
    assert other.exists()


@pytest.mark.parametrize("command", [["--dag"], ["--summary"], ["--rulegraph"], ["--unlock"]])
def test_commands_that_only_look_delete_nothing(finished, command):
    edit(finished, lambda config: config["training"]["sft"].update(epochs=9))
    tables = finished.folder / "results/quickstart/tables/summary.csv"
    result = finished.snakemake(*command)
    assert result.returncode == 0, result.stdout
    assert tables.exists()


def test_an_experiment_may_not_take_the_name_of_a_rule_or_of_the_store(finished):
    rules = "".join(file.read_text() for file in (finished.folder / "rules").glob("*.smk"))
    for name in ["store", "all", *re.findall(r"^rule (\w+):", rules, flags=re.MULTILINE)]:
        edit(finished, lambda config, name=name: config.update(experiment=name))
        with pytest.raises(ConfigError, match="experiment: found"):
            check_config(finished.config(), ["config.yaml"])


def test_a_job_on_a_cluster_reads_its_manifest_and_not_the_config(finished):
    """A queued job parses the Snakefile again; the config may be broken by then."""
    sft = next((finished.folder / "results/store/sft").iterdir())
    finished.config_file.write_text("experiment: [half an edi")
    target = f"results/store/sft/{sft.name}/record.json"
    result = finished.snakemake("--mode", "remote", "--cores", "1", "--dry-run", target)
    assert result.returncode == 0, result.stdout


def test_snakemake_started_elsewhere_says_where_it_belongs(finished, tmp_path):
    result = finished.snakemake("--directory", str(tmp_path), "--dry-run")
    assert result.returncode != 0
    assert "expected the folder of the Snakefile" in result.stdout
