"""Every key of the quickstart's config is changed in turn; `reruns.md` says what must run again."""

import re
from pathlib import Path

import pytest
import yaml

from checkout import Checkout
from cotdistil.config.file import check_config

TABLE = Path(__file__).with_name("reruns.md")
QUICKSTART = Path(__file__).parents[2] / "config" / "config.yaml"
STUDENT = "smollm2-135m"
ARMS = {"trained": "short long mix pruned", "all": "base short long mix pruned"}
OTHER = {
    "backend": ["vllm", "transformers"],
    "packing": [True, False],
    "invalid": ["drop", "keep"],
}


def rows():
    """The rows of the table as (key, value, cells by column)."""
    lines = [line for line in TABLE.read_text().splitlines() if line.startswith("|")]
    table = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    for line in table[2:]:
        cells = dict(zip(table[0], line, strict=True))
        yield cells.pop("key").strip("`"), cells.pop("value").strip("`"), cells


def jobs(cells, config):
    """The messages of the jobs that a row of the table names."""

    def arms(column):
        return " ".join(ARMS.get(word, word) for word in cells[column].split()).split()

    def arm(recipe):
        seed = config["seeds"][0]
        return f"{STUDENT} · base" if recipe == "base" else f"{STUDENT} · {recipe} · seed {seed}"

    data = cells["data"].split()
    found = [f"problems: sums · {split}" for split in data if split in ("train", "test")]
    found += [f"model: {STUDENT}"] * ("model" in data)
    found += ["benchmark: sums · test, held out"] * ("held-out" in data)
    found += [f"corpus: {name}" for name in arms("corpora")]
    found += [f"token counts: {name} in tokens of {STUDENT}" for name in arms("lengths")]
    found += [f"training set: {name.replace('/', ' · ')}" for name in arms("training sets")]
    found += [f"pruning: {STUDENT} · {name}" for name in arms("pruning")]
    found += [f"SFT: {arm(name)}" for name in arms("SFT")]
    found += [f"samples: {arm(name)} · sums" for name in arms("samples")]
    found += [f"scores: {arm(name)} · sums" for name in arms("scores")]
    if cells["tables"]:
        found += ["tables: quickstart", "figures: quickstart"]
    if cells["ledger"]:
        found.append("ledger: quickstart")
    if cells["pruning tables"]:
        found.append("pruning tables: quickstart")
    found += [f"trace browser: {title(name, config)}" for name in arms("pages")]
    found += ["trace index: quickstart"] * bool(cells["pages"])
    if cells["publish"]:
        experiment = config["experiment"]
        found += [f"publishing the tables of {experiment}", f"results/{experiment}"]
    return sorted(found)


def title(recipe, config):
    """What the page of a recipe's traces is called."""
    prune = config["recipes"][recipe]["prune"]
    on_policy = prune is not None and prune["cutter"] != "none"
    return f"{recipe} · {STUDENT}" if on_policy else recipe


def leaves(value, path=()):
    """Dotted paths of everything in a config that is not a mapping of further keys."""
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from leaves(inner, (*path, key))
    else:
        yield ".".join(path)


def set_key(config, key, text):
    """Put the table's value at a dotted path."""
    *folders, last = key.split(".")
    for folder in folders:
        config = config.setdefault(folder, {})
    old = config.get(last)
    if text == "+1":
        config[last] = old + 1
    elif text == "other":
        config[last] = OTHER[last][OTHER[last].index(old) - 1]
    elif last in ("lead_in", "instruction"):
        config[last] = text
    else:
        config[last] = yaml.safe_load(text)


def resolved_quickstart():
    """The quickstart's config with every default written out."""
    raw = yaml.safe_load(QUICKSTART.read_text())
    return check_config(raw, [str(QUICKSTART)]).model_dump(mode="json")


def test_the_table_has_a_row_for_every_key_that_the_quickstart_sets():
    covered = {key for key, _, _ in rows()}
    assert [
        key for key in leaves(yaml.safe_load(QUICKSTART.read_text())) if key not in covered
    ] == []


@pytest.mark.parametrize(
    ("key", "value", "cells"), [pytest.param(*row, id=f"{row[0]}={row[1]}") for row in rows()]
)
def test_a_changed_key_runs_exactly_what_it_decides(finished: Checkout, key, value, cells):
    changed = resolved_quickstart()
    set_key(changed, key, value)
    finished.write_config(changed)
    if cells["data"] == "refused":
        refused = finished.snakemake("--dry-run")
        assert refused.returncode == 1
        assert re.search(r"config/config.yaml: \S+: .+", refused.stdout), refused.stdout
        return
    assert finished.planned_jobs() == jobs(cells, changed)


@pytest.mark.parametrize("key", ["seeds", "training.sft.epochs", "benchmarks.sums.max_tokens"])
def test_a_key_changed_and_made_and_changed_back_runs_only_the_publishing(finished, key):
    written, changed = finished.config(), resolved_quickstart()
    set_key(changed, key, "[1]" if key == "seeds" else "+1")
    finished.write_config(changed)
    finished.pretend_all_is_done()
    assert finished.planned_jobs() == []
    finished.write_config(written)
    publish = ["publishing the tables of quickstart", "results/quickstart"]
    assert finished.planned_jobs() == publish
