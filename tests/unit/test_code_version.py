"""Which edits of the code count as another version of a stage, and which do not."""

import ast
import json
import textwrap
from pathlib import Path

import pytest

from cotdistil.code_version import (
    SCRIPTS,
    code_version,
    file_fingerprint,
    imported_files,
    record_name,
    stage_fingerprint,
)
from cotdistil.stages import STAGES

# A small project: the command `build_training_set.py` reaches `ranking.py` through two imports, and
# `drawing.py` only once it runs; `generate_samples.py` loads one of two engines by name.
PROJECT = {
    "build_training_set.py": '''
        """Make a training set."""

        from cotdistil.mixing import mix

        LIMIT = 3


        def main():
            print(mix(LIMIT))
        ''',
    "generate_samples.py": """
        import importlib

        from cotdistil import engines


        def main(backend):
            importlib.import_module(f"cotdistil.engines.{backend}_engine")
        """,
    "cotdistil/__init__.py": "",
    "cotdistil/mixing.py": '''
        """Mixing."""

        from dataclasses import dataclass

        from .ranking import rank


        @dataclass(frozen=True)
        class Mix:
            """What is mixed."""

            share = 0.5


        def mix(count, seed=0):
            """Rank, then share out."""
            from cotdistil.drawing import draw

            chosen = rank(count)
            return draw(chosen, seed)
        ''',
    "cotdistil/ranking.py": """
        def rank(count):
            return sorted(range(count), reverse=True)
        """,
    "cotdistil/drawing.py": """
        def draw(items, seed):
            return items[seed:]
        """,
    "cotdistil/unused.py": "VALUE = 1\n",
    "cotdistil/engines/__init__.py": "READY = True\n",
    "cotdistil/engines/vllm_engine.py": "BATCH = 8\n",
    "cotdistil/engines/transformers_engine.py": """
        from . import sampling

        BATCH = 4
        """,
    "cotdistil/engines/sampling.py": "GREEDY = 0.0\n",
    "browse_traces.py": """
        from cotdistil.page import TITLE


        def main():
            print(TITLE)
        """,
    "cotdistil/page/__init__.py": "TITLE = 'traces'\n",
    "cotdistil/page/page.css": "a { color: red }\n",
    "cotdistil/page/page.html": "<p>{{title}}</p>\n",
    "cotdistil/page/page.js": "const one = 1;\n",
    "cotdistil/page/notes.txt": "what is to be done\n",
    "cotdistil/other_page/page.css": "a { color: red }\n",
}
STAGE_VARIANTS = [
    *(("training_sets", ""), ("samples", "vllm"), ("samples", "transformers")),
    ("trace_browsers", ""),
]
TRAINING_SETS, SAMPLES = {"training_sets"}, {"samples.vllm", "samples.transformers"}
PAGES = {"trace_browsers"}


@pytest.fixture
def project(tmp_path_factory):
    """Write the project, edited, to a folder of its own."""

    def write(file=None, old=None, new=None) -> Path:
        folder = tmp_path_factory.mktemp("scripts")
        for name, text in PROJECT.items():
            text = textwrap.dedent(text).lstrip("\n")
            if name == file:
                assert text.count(old) == 1
                text = text.replace(old, new)
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_text(text)
        return folder

    return write


def fingerprints(scripts: Path) -> dict[str, str]:
    return {
        record_name(stage, variant): stage_fingerprint(stage, variant, scripts)
        for stage, variant in STAGE_VARIANTS
    }


def changed(project, file, old, new) -> set[str]:
    """The stages whose fingerprint an edit changes."""
    before, after = fingerprints(project()), fingerprints(project(file, old, new))
    return {name for name in before if before[name] != after[name]}


def test_the_same_code_in_another_folder_is_the_same_version(project):
    assert fingerprints(project()) == fingerprints(project())


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        pytest.param("build_training_set.py", "LIMIT = 3", "LIMIT = 3  # few", id="a comment"),
        pytest.param("cotdistil/ranking.py", "def rank", "# why\n\n\ndef rank", id="blank lines"),
        pytest.param(
            "build_training_set.py", "Make a training set.", "Make one.", id="a module's docstring"
        ),
        pytest.param("cotdistil/mixing.py", "Rank, then share out.", "Mix.", id="a docstring"),
        pytest.param(
            "cotdistil/mixing.py", "What is mixed.", "A mix.", id="the docstring of a class"
        ),
        pytest.param(
            "cotdistil/ranking.py",
            "def rank(count):\n",
            'def rank(count):\n    """Highest first."""\n',
            id="a docstring that was not there",
        ),
        pytest.param(
            "cotdistil/mixing.py",
            "def mix(count, seed=0):",
            "def mix(count: int, seed: int = 0) -> list[int]:",
            id="annotations of a function",
        ),
        pytest.param(
            "build_training_set.py", "LIMIT = 3", "LIMIT: int = 3", id="annotation of a constant"
        ),
        pytest.param(
            "cotdistil/mixing.py",
            "chosen = rank(count)",
            "chosen: list[int] = rank(count)",
            id="annotation of a variable",
        ),
        pytest.param(
            "cotdistil/mixing.py",
            "chosen = rank(count)",
            "chosen = rank(\n        count,\n    )",
            id="line breaks",
        ),
        pytest.param("cotdistil/unused.py", "VALUE = 1", "VALUE = 2", id="a module not imported"),
        pytest.param("cotdistil/page/notes.txt", "done", "left", id="a file that is no template"),
        pytest.param(
            "cotdistil/other_page/page.css", "red", "blue", id="a template of no imported package"
        ),
    ],
)
def test_an_edit_that_cannot_change_what_the_code_does_keeps_the_version(project, file, old, new):
    assert changed(project, file, old, new) == set()


def test_an_annotation_changed_in_a_dataclass_keeps_the_version_and_a_new_field_does_not(project):
    file, old = "cotdistil/mixing.py", "share = 0.5"
    attribute, field, other = (
        fingerprints(project(file, old, new))["training_sets"]
        for new in (old, "share: float = 0.5", "share: 'Share' = 0.5")
    )
    assert field == other
    assert field != attribute


@pytest.mark.parametrize(
    ("file", "old", "new", "stages"),
    [
        pytest.param(
            "build_training_set.py", "LIMIT = 3", "LIMIT = 4", TRAINING_SETS, id="a constant"
        ),
        pytest.param(
            "build_training_set.py", "LIMIT = 3", "LIMIT = 3.0", TRAINING_SETS, id="its type"
        ),
        pytest.param(
            "build_training_set.py", "def main", "def run", TRAINING_SETS, id="a function's name"
        ),
        pytest.param(
            "cotdistil/mixing.py", "seed=0", "seed=1", TRAINING_SETS, id="a default argument"
        ),
        pytest.param(
            "cotdistil/mixing.py", "frozen=True", "frozen=False", TRAINING_SETS, id="a decorator"
        ),
        pytest.param(
            "cotdistil/ranking.py",
            "reverse=True",
            "reverse=False",
            TRAINING_SETS,
            id="two imports deep, the second one relative",
        ),
        pytest.param(
            "cotdistil/drawing.py",
            "items[seed:]",
            "items[:seed]",
            TRAINING_SETS,
            id="imported inside a function",
        ),
        pytest.param(
            "cotdistil/engines/vllm_engine.py",
            "8",
            "9",
            {"samples.vllm"},
            id="the module of one variant",
        ),
        pytest.param(
            "cotdistil/engines/sampling.py",
            "0.0",
            "1.0",
            {"samples.transformers"},
            id="what the module of one variant imports from its package",
        ),
        pytest.param(
            "cotdistil/engines/__init__.py", "True", "False", SAMPLES, id="the engines' package"
        ),
        pytest.param(
            "generate_samples.py", "def main", "def run", SAMPLES, id="the command of the variants"
        ),
        pytest.param("cotdistil/page/page.html", "<p>", "<h1>", PAGES, id="a page's template"),
        pytest.param("cotdistil/page/page.css", "red", "blue", PAGES, id="a page's style"),
        pytest.param("cotdistil/page/page.js", "1", "2", PAGES, id="a page's script"),
    ],
)
def test_an_edit_of_what_the_code_does_changes_the_stages_that_reach_it(
    project, file, old, new, stages
):
    assert changed(project, file, old, new) == stages


def test_a_package_runs_before_the_variant_in_it_so_it_counts_even_if_nothing_names_it(project):
    scripts = project("generate_samples.py", "from cotdistil import engines\n", "")
    files = imported_files(STAGES["samples"].code_roots("vllm"), scripts)
    assert "cotdistil/engines/__init__.py" in files


def test_a_module_moved_is_another_version(project):
    scripts = project("cotdistil/mixing.py", "from .ranking import", "from .order import")
    (scripts / "cotdistil/ranking.py").rename(scripts / "cotdistil/order.py")
    before, after = fingerprints(project()), fingerprints(scripts)
    assert {name for name in before if before[name] != after[name]} == TRAINING_SETS


def test_a_template_that_is_added_or_renamed_is_another_version(project):
    scripts = project()
    (scripts / "cotdistil/page/more.css").write_text("")
    renamed = project()
    (renamed / "cotdistil/page/page.js").rename(renamed / "cotdistil/page/main.js")
    found = {fingerprints(each)["trace_browsers"] for each in (project(), scripts, renamed)}
    assert len(found) == 3


def test_imports_that_go_in_a_circle_are_followed_once(project):
    scripts = project(
        "cotdistil/ranking.py", "def rank", "from cotdistil import mixing\n\n\ndef rank"
    )
    assert imported_files(["build_training_set.py"], scripts) == [
        "build_training_set.py",
        "cotdistil/__init__.py",
        "cotdistil/drawing.py",
        "cotdistil/mixing.py",
        "cotdistil/ranking.py",
    ]


def record(scripts: Path, **versions: dict) -> None:
    (scripts / "code_versions.json").write_text(json.dumps(versions))


def test_code_as_recorded_has_the_recorded_version(project):
    scripts = project()
    now = fingerprints(scripts)
    record(scripts, **{name: {"version": 3, "fingerprint": now[name]} for name in now})
    assert code_version("training_sets", scripts=scripts) == "3"
    assert code_version("samples", "vllm", scripts) == "3"


def test_edited_code_is_a_version_of_its_own_until_it_is_recorded(project):
    before = fingerprints(project())["training_sets"]
    scripts = project("build_training_set.py", "LIMIT = 3", "LIMIT = 4")
    record(scripts, training_sets={"version": 3, "fingerprint": before})
    after = fingerprints(scripts)["training_sets"]
    assert code_version("training_sets", scripts=scripts) == f"3+{after}"


def test_code_without_a_record_is_known_by_its_fingerprint(project):
    scripts = project()
    assert code_version("samples", "vllm", scripts) == f"0+{fingerprints(scripts)['samples.vllm']}"


@pytest.mark.parametrize(
    "file", sorted(SCRIPTS.rglob("*.py")), ids=lambda file: str(file.relative_to(SCRIPTS))
)
def test_every_file_of_the_project_written_anew_from_its_syntax_is_the_same_version(file, tmp_path):
    anew = tmp_path / file.name
    anew.write_text(ast.unparse(ast.parse(file.read_text())))
    assert file_fingerprint(anew) == file_fingerprint(file)


def test_the_code_of_every_stage_of_the_project_is_found():
    for stage, description in STAGES.items():
        assert (SCRIPTS / description.command).is_file()
        if stage in ("answers", "validations"):  # no artefacts, so no command
            continue
        files = imported_files(description.code_roots(""))
        assert {description.command, "cotdistil/job.py", "cotdistil/store.py"} <= set(files)
