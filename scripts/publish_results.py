"""Show an experiment's tables, figures and arms under its own name.

    python scripts/publish_results.py publish --marker results/quickstart/published/KEY.json

`mark` writes the marker `published/<key>[-<key>…].json`, which names what to show (the figures and
through them the tables, the ledger, the tables of pruning, the pages of traces, the audit), and
removes the markers of others.
`publish` copies what the marker names to `tables/`, `figures/` and `traces/`, and links
`arms/<student>/<recipe>/<stage>/seed-<n>` into the store.
"""

import argparse
import contextlib
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from cotdistil.broken_files import may_be_broken
from cotdistil.errors import UserError
from cotdistil.store import RECORD_COPY, STORE, read_manifest, write_atomically

IMAGES = (".png", ".svg")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("action", choices=["mark", "publish"])
    parser.add_argument("--marker", type=Path, required=True, help="published/<keys>.json")
    arguments = parser.parse_args()
    try:
        if arguments.action == "mark":
            mark(arguments.marker)
        else:
            publish(arguments.marker)
    except UserError as error:
        sys.exit(f"error: {error}")


def mark(marker: Path) -> None:
    """Leave exactly one marker in its folder."""
    for other in marker.parent.glob("*.json"):
        other.unlink()
    write_atomically(marker, "{}\n")


def publish(marker: Path) -> None:
    """Copy what the marker names, and link the arms of the tables among it."""
    experiment = marker.parent.parent
    for key in marker.stem.split("-"):
        manifest = read_manifest(key)
        if manifest["stage"] == "trace_index":
            _copy_pages(key, manifest, experiment / "traces")
            continue
        _copy(STORE / manifest["stage"] / key, experiment)
        if manifest["stage"] == "figures":
            tables = manifest["parents"]["tables"]
            _copy(STORE / tables, experiment)
            _link_arms(experiment / "arms", read_manifest(tables.split("/")[1]))


def _copy(source: Path, experiment: Path) -> None:
    with may_be_broken(source / "record.json"):
        files = sorted(source.iterdir())
    for file in files:
        if file.name not in ("record.json", RECORD_COPY):
            folder = experiment / ("figures" if file.suffix in IMAGES else "tables")
            if folder.exists() and not folder.is_dir():
                raise _not_a_folder(folder)
            folder.mkdir(parents=True, exist_ok=True)
            _copy_file(file, folder / file.name)


def _copy_pages(key: str, index: dict, folder: Path) -> None:
    """The pages of the training sets, each under its recipe's name, and the index."""
    with _written_anew(folder) as part:
        pages = zip(index["params"]["pages"], index["parents"]["browsers"], strict=True)
        for page, browser in pages:
            _copy_file(STORE / browser / "browser.html", part / page["file"])
        _copy_file(STORE / index["stage"] / key / "index.html", part / "index.html")


@contextlib.contextmanager
def _written_anew(folder: Path) -> Iterator[Path]:
    """An empty folder beside this one, which takes its place once it is filled."""
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        raise _not_a_folder(folder)
    part = folder.with_name(f".{folder.name}.part")
    if part.exists():
        shutil.rmtree(part)
    part.mkdir(parents=True)
    yield part
    if folder.exists():
        shutil.rmtree(folder)
    part.rename(folder)


def _not_a_folder(place: Path) -> UserError:
    kind = "link" if place.is_symlink() else "file"
    return UserError(
        f"{place}: found a {kind}; expected a folder, which publishing fills; move it away"
    )


def _copy_file(source: Path, target: Path) -> None:
    part = target.with_name(f".{target.name}.part")
    with may_be_broken(source):
        shutil.copyfile(source, part)
    part.replace(target)


def _link_arms(folder: Path, tables: dict) -> None:
    with _written_anew(folder) as part:
        for arm, scores, model in zip(
            tables["params"]["arms"],
            tables["parents"]["scores"],
            tables["parents"]["models"],
            strict=True,
        ):
            seed = "untouched" if arm["seed"] is None else f"seed-{arm['seed']}"
            place = part / arm["student"] / arm["recipe"] / arm["stage"] / seed
            samples = read_manifest(scores.split("/")[1])["parents"]["samples"]
            targets = {
                "model": model,
                f"samples-{arm['benchmark']}": samples,
                f"scores-{arm['benchmark']}": scores,
            }
            place.mkdir(parents=True, exist_ok=True)
            for name, address in targets.items():
                link = place / name
                if not link.is_symlink():
                    link.symlink_to(os.path.relpath(STORE / address, place))


if __name__ == "__main__":
    main()
