"""List what no experiment refers to any more, with sizes; delete it when told to.

    python scripts/clean_store.py            # lists
    python scripts/clean_store.py --delete   # deletes what it lists
    python scripts/clean_store.py --remake sft/KEY   # deletes an artefact and all made from it

An experiment is a folder under results/ with a plan.json, written by its last run. Work folders of
jobs that were killed are kept for as long as an experiment plans the job. After `--remake`, the
next run makes again what it deleted, for instance with newer packages.
"""

import argparse
import json
import shutil
import sys
from pathlib import Path

from cotdistil.errors import UserError
from cotdistil.last_run import lock_results
from cotdistil.stages import STAGES
from cotdistil.store import RECORD_COPY, STORE, parent_addresses


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--delete", action="store_true", help="delete what is listed")
    parser.add_argument("--remake", nargs="+", metavar="STAGE/KEY", default=[])
    arguments = parser.parse_args()
    delete = arguments.delete
    if delete or arguments.remake:
        try:
            lock_results(Path("results"))
        except UserError as error:
            sys.exit(str(error))
    if arguments.remake:
        remake(arguments.remake)
        return
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
            delete_artefact(folder)
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
        if stage != "answers"  # notes of which responses share answers; they hold no bytes
        for folder in sorted((STORE / stage).glob("*"))
        if f"{stage}/{folder.name}" not in used
    ]
    work = [
        folder
        for folder in sorted((STORE / "work").glob("*"))
        if folder.name != "locks" and folder.name.split(".")[0] not in used_keys
    ]
    return artefacts + work


def remake(addresses: list[str]) -> None:
    """Delete artefacts, all that is made from them, and the markers of tables that show them."""
    unknown = [address for address in addresses if not (STORE / address).is_dir()]
    if unknown:
        sys.exit(f"{', '.join(unknown)}: not in {STORE}; give STAGE/KEY, as in plan.json")
    manifests = {
        f"{manifest['stage']}/{path.stem}": parent_addresses(manifest)
        for path in sorted((STORE / "manifests").glob("*.json"))
        if "stage" in (manifest := json.loads(path.read_text()))
    }
    # What is made again is not to be taken from what was made of the same inputs elsewhere.
    shutil.rmtree(STORE / "by_inputs", ignore_errors=True)
    doomed = set(addresses)
    while more := {
        address
        for address, parents in manifests.items()
        if address not in doomed and doomed.intersection(parents)
    }:
        doomed |= more
    for address in sorted(doomed):
        for marker in Path("results").glob(f"*/published/*{address.split('/')[1]}*.json"):
            marker.unlink()
        if (STORE / address).is_dir():
            delete_artefact(STORE / address)
            print(f"deleted  {STORE / address}")


def delete_artefact(folder: Path) -> None:
    """Delete a folder of the store. Its records go first: half of an artefact is none."""
    for name in ("record.json", RECORD_COPY):
        (folder / name).unlink(missing_ok=True)
    shutil.rmtree(folder)


def folder_bytes(folder: Path) -> int:
    return sum(file.lstat().st_size for file in folder.rglob("*") if file.is_file())


if __name__ == "__main__":
    main()
