"""List what no experiment refers to any more, with sizes; delete it when told to.

    python scripts/clean_store.py            # lists
    python scripts/clean_store.py --delete   # deletes what it lists

An experiment is a folder under results/ with a plan.json, written by its last run. Work folders of
jobs that were killed are kept for as long as an experiment plans the job.
"""

import argparse
import json
import shutil
from pathlib import Path

from cotdistil.stages import STAGES
from cotdistil.store import STORE


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--delete", action="store_true", help="delete what is listed")
    delete = parser.parse_args().delete
    plans = sorted(Path("results").glob("*/plan.json"))
    if not plans:
        print("no experiment has run here (no results/*/plan.json); nothing is listed")
        return
    unused = unused_folders(plans)
    total = 0
    for folder in unused:
        size = folder_bytes(folder)
        total += size
        print(f"{size / 1e6:10.1f} MB  {folder}")
        if delete:
            # The record goes first: a half-deleted artefact must not count as made.
            (folder / "record.json").unlink(missing_ok=True)
            shutil.rmtree(folder)
    names = ", ".join(plan.parent.name for plan in plans)
    done = "deleted" if delete else "not needed; delete with --delete"
    print(f"{total / 1e6:10.1f} MB  {len(unused)} artefacts {done}. Experiments: {names}")


def unused_folders(plans: list[Path]) -> list[Path]:
    """Folders of the store that no plan names, sorted."""
    used = {address for plan in plans for address in json.loads(plan.read_text())}
    used_keys = {address.split("/")[1] for address in used}
    artefacts = [
        folder
        for stage in STAGES
        for folder in sorted((STORE / stage).glob("*"))
        if f"{stage}/{folder.name}" not in used
    ]
    work = [
        folder
        for folder in sorted((STORE / "work").glob("*"))
        if folder.name.split(".")[0] not in used_keys
    ]
    return artefacts + work


def folder_bytes(folder: Path) -> int:
    return sum(file.lstat().st_size for file in folder.rglob("*") if file.is_file())


if __name__ == "__main__":
    main()
