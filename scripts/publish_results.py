"""Show an experiment's tables, figures and arms under its own name.

    python scripts/publish_results.py publish --marker results/quickstart/published/KEY.json

`mark` writes the marker `published/<key>[-<key>…].json`, which names what to show (the figures and
through them the tables, the ledger, the tables of pruning, the pages of traces, the audit), and
removes the markers of others.
`publish` copies what the marker names to `tables/`, `figures/` and `traces/`, and links
`arms/<student>/<recipe>/<stage>/seed-<n>` into the store.
"""

import argparse
import os
import shutil
from pathlib import Path

from cotdistil.store import RECORD_COPY, STORE, read_manifest, write_atomically

IMAGES = (".png", ".svg")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("action", choices=["mark", "publish"])
    parser.add_argument("--marker", type=Path, required=True, help="published/<keys>.json")
    arguments = parser.parse_args()
    if arguments.action == "mark":
        mark(arguments.marker)
    else:
        publish(arguments.marker)


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
    for file in sorted(source.iterdir()):
        if file.name not in ("record.json", RECORD_COPY):
            target = experiment / ("figures" if file.suffix in IMAGES else "tables")
            target.mkdir(parents=True, exist_ok=True)
            _copy_file(file, target / file.name)


def _copy_pages(key: str, index: dict, folder: Path) -> None:
    """The pages of the training sets, each under its recipe's name, and the index last."""
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    for page, browser in zip(index["params"]["pages"], index["parents"]["browsers"], strict=True):
        _copy_file(STORE / browser / "browser.html", folder / page["file"])
    _copy_file(STORE / index["stage"] / key / "index.html", folder / "index.html")


def _copy_file(source: Path, target: Path) -> None:
    part = target.with_name(f".{target.name}.part")
    shutil.copyfile(source, part)
    part.replace(target)


def _link_arms(folder: Path, tables: dict) -> None:
    if folder.exists():
        shutil.rmtree(folder)
    for arm, scores, model in zip(
        tables["params"]["arms"],
        tables["parents"]["scores"],
        tables["parents"]["models"],
        strict=True,
    ):
        seed = "untouched" if arm["seed"] is None else f"seed-{arm['seed']}"
        place = folder / arm["student"] / arm["recipe"] / arm["stage"] / seed
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
