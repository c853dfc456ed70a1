"""What publishing shows, and what it leaves alone when something is missing."""

import json
from pathlib import Path

import pytest

import publish_results
from cotdistil.store import STORE, Node, write_manifests

EXPERIMENT = Path("results/quickstart")


@pytest.fixture(autouse=True)
def in_its_own_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def artefact(node: Node, **files: str) -> Node:
    """The artefact of a node in the store, with these files (`_` for the dot)."""
    folder = STORE / node.address
    folder.mkdir(parents=True)
    (folder / "record.json").write_text("{}")
    for name, text in files.items():
        (folder / name.replace("_", ".")).write_text(text)
    write_manifests([node])
    return node


def pages(text: str = "first") -> Node:
    """An index over two pages."""
    browsers = [
        artefact(Node("trace_browsers", {"title": f"{name} {text}"}), browser_html=f"{name} {text}")
        for name in ("a", "b")
    ]
    named = {"pages": [{"file": f"{name}.html", "title": name} for name in "ab"]}
    parents = {"browsers": [each.address for each in browsers]}
    return artefact(Node("trace_index", {**named, "of": text}, parents), index_html=text)


def figures() -> Node:
    scores = artefact(Node("scores", {}, {"samples": "samples/" + "5" * 20}))
    arm = {"student": "s", "recipe": "r", "stage": "sft", "seed": 0, "benchmark": "sums"}
    parents = {"scores": [scores.address], "models": ["sft/" + "6" * 20]}
    tables = artefact(Node("tables", {"arms": [arm]}, parents), summary_csv="a,b\n")
    return artefact(Node("figures", {}, {"tables": tables.address}), lengths_png="image")


def publish(*nodes: Node) -> None:
    marker = EXPERIMENT / "published" / f"{'-'.join(node.key for node in nodes)}.json"
    publish_results.publish(marker)


def shown(folder: str = "traces") -> dict[str, str]:
    return {file.name: file.read_text() for file in sorted((EXPERIMENT / folder).iterdir())}


def refused(capsys, monkeypatch, node: Node) -> str:
    """The line on which the command ends."""
    marker = EXPERIMENT / "published" / f"{node.key}.json"
    argv = ["publish_results.py", "publish", "--marker", str(marker)]
    monkeypatch.setattr("sys.argv", argv)
    with pytest.raises(SystemExit) as end:
        publish_results.main()
    assert end.value.code not in (0, None)
    [line] = f"{end.value.code}\n{capsys.readouterr().err}".strip().splitlines()
    return line


FIRST = {"a.html": "a first", "b.html": "b first", "index.html": "first"}


def test_tables_figures_pages_and_arms_are_published_and_replaced():
    publish(figures(), pages())
    assert shown("tables") == {"summary.csv": "a,b\n"}
    assert shown("figures") == {"lengths.png": "image"}
    assert shown() == FIRST
    arm = EXPERIMENT / "arms/s/r/sft/seed-0"
    assert {link.name for link in arm.iterdir()} == {"model", "samples-sums", "scores-sums"}
    assert (arm / "scores-sums/record.json").read_text() == "{}"
    publish(pages("second"))
    assert shown() == {"a.html": "a second", "b.html": "b second", "index.html": "second"}
    assert {path.name for path in EXPERIMENT.iterdir()} == {"tables", "figures", "traces", "arms"}


@pytest.mark.parametrize("lost", ["browser", "index", "manifest", "broken manifest"])
def test_pages_of_which_one_is_lost_leave_those_that_were_published(lost, capsys, monkeypatch):
    publish(pages())
    second = pages("second")
    address = second.parents["browsers"][1]
    manifest = STORE / "manifests" / f"{second.key}.json"
    file, advice = {
        "browser": (STORE / address / "browser.html", f"clean_store.py --remake {address}"),
        "index": (STORE / second.address / "index.html", f"--remake {second.address}"),
        "manifest": (manifest, "run snakemake again"),
        "broken manifest": (manifest, "delete it and run snakemake again"),
    }[lost]
    if lost == "broken manifest":
        file.write_text('{"stage')
    else:
        file.unlink()
    line = refused(capsys, monkeypatch, second)
    assert str(file) in line
    assert advice in line
    assert shown() == FIRST


def test_arms_of_which_a_manifest_is_lost_stay_as_they_were(capsys, monkeypatch):
    node = figures()
    publish(node)
    tables = json.loads((STORE / "manifests" / f"{node.key}.json").read_text())["parents"]["tables"]
    manifest = json.loads((STORE / "manifests" / f"{tables.split('/')[1]}.json").read_text())
    scores = manifest["parents"]["scores"][0].split("/")[1]
    (STORE / "manifests" / f"{scores}.json").unlink()
    assert f"{scores}.json" in refused(capsys, monkeypatch, node)
    assert (EXPERIMENT / "arms/s/r/sft/seed-0/model").is_symlink()


@pytest.mark.parametrize("what", ["link", "file"])
@pytest.mark.parametrize("name", ["traces", "arms", "tables"])
def test_what_is_no_folder_of_the_experiments_is_left_alone(what, name, capsys, monkeypatch):
    node = pages() if name == "traces" else figures()
    EXPERIMENT.mkdir(parents=True)
    place, elsewhere = EXPERIMENT / name, Path("elsewhere")
    elsewhere.mkdir()
    (elsewhere / "own.html").write_text("own")
    if what == "link":
        place.symlink_to(elsewhere.resolve())
    else:
        place.write_text("own")
    if (name, what) == ("tables", "link"):
        publish(node)
        assert {file.name for file in elsewhere.iterdir()} == {"own.html", "summary.csv"}
        return
    line = refused(capsys, monkeypatch, node)
    assert f"{place}: found a {what}; expected a folder" in line
    assert "move it away" in line
    assert [file.name for file in elsewhere.iterdir()] == ["own.html"]


def test_what_an_interrupted_publishing_left_is_cleared():
    (EXPERIMENT / ".traces.part").mkdir(parents=True)
    (EXPERIMENT / ".traces.part/old.html").write_text("old")
    publish(pages())
    assert shown() == FIRST
    assert not (EXPERIMENT / ".traces.part").exists()
