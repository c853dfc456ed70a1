"""List what no experiment refers to any more, with sizes; delete it when told to.

    python scripts/clean_store.py            # lists
    python scripts/clean_store.py --delete   # deletes what it lists
    python scripts/clean_store.py --remake sft/KEY   # deletes an artefact and all made from it
    python scripts/clean_store.py --ask-again responses/KEY   # asks what failed

An experiment is a folder under results/ with a plan.json, written by its last run. Work folders of
jobs that were killed are kept for as long as an experiment plans the job. After `--remake`, the
next run makes again what it deleted, for instance with newer packages; a teacher's answers are only
asked for again if they are named, or its model is. After `--ask-again` it asks the questions that
have no answer.
"""

import argparse
import json
import shutil
import sys
from pathlib import Path

from cotdistil.early_cutoff import link_file
from cotdistil.errors import UserError
from cotdistil.last_run import lock_results
from cotdistil.stages import STAGES
from cotdistil.store import RECORD_COPY, STORE, parent_addresses
from cotdistil.teaching.answer_log import LOGS, notes_of_others


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--delete", action="store_true", help="delete what is listed")
    parser.add_argument("--remake", nargs="+", metavar="STAGE/KEY", default=[])
    parser.add_argument("--ask-again", nargs="+", metavar="responses/KEY", default=[])
    arguments = parser.parse_args()
    delete = arguments.delete
    if delete or arguments.remake or arguments.ask_again:
        try:
            lock_results(Path("results"))
        except UserError as error:
            sys.exit(str(error))
    if arguments.remake or arguments.ask_again:
        remake(arguments.remake, arguments.ask_again)
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
        if stage != "answers"  # notes of which artefacts share answers; they hold no bytes
        for folder in sorted((STORE / stage).glob("*"))
        if f"{stage}/{folder.name}" not in used
    ]
    work = [
        folder
        for folder in sorted((STORE / "work").glob("*"))
        if folder.name != "locks" and folder.name.split(".")[0] not in used_keys
    ]
    return artefacts + work


def remake(addresses: list[str], ask_again: list[str]) -> None:
    """Delete artefacts, all that is made from them, and the markers of tables that show them.

    What their jobs had done so far goes too. Of responses and of pruned training sets, the answers
    of the model are kept for the next run unless these, or that model, are among `addresses` or
    made from them.
    """
    unknown = [each for each in (*addresses, *ask_again) if not (STORE / each).is_dir()]
    unknown += [each for each in ask_again if not each.startswith("responses/")]
    if unknown:
        sys.exit(f"{', '.join(unknown)}: not in {STORE}; give STAGE/KEY, as in plan.json")
    manifests = {
        f"{manifest['stage']}/{path.stem}": manifest
        for path in sorted((STORE / "manifests").glob("*.json"))
        if "stage" in (manifest := json.loads(path.read_text()))
    }
    if addresses:
        # What is made again is not to be taken from what was made of the same inputs elsewhere.
        shutil.rmtree(STORE / "by_inputs", ignore_errors=True)
    doomed = {*addresses, *ask_again}
    while more := {
        address
        for address, manifest in manifests.items()
        if address not in doomed and doomed.intersection(parent_addresses(manifest))
    }:
        doomed |= more
    for address in sorted(doomed):
        key = address.split("/")[1]
        for marker in Path("results").glob(f"*/published/*{key}*.json"):
            marker.unlink()
        manifest = manifests.get(address)
        if manifest and "answers" in manifest["params"]:
            if address in addresses or manifest["parents"].get("model") in doomed:
                forget_answers(key, manifest["params"])
            else:
                keep_answers(address)
        else:
            shutil.rmtree(STORE / "work" / key, ignore_errors=True)
        if (STORE / address).is_dir():
            delete_artefact(STORE / address)
            print(f"deleted  {STORE / address}")


def keep_answers(address: str) -> None:
    """Leave an artefact's answers to the job that makes it again."""
    stage, key = address.split("/")
    log, work = STORE / address / LOGS[stage], STORE / "work" / key
    if log.exists():
        work.mkdir(parents=True, exist_ok=True)
        (work / log.name).unlink(missing_ok=True)
        link_file(log, work / log.name)


def forget_answers(key: str, params: dict) -> None:
    """See to it that the job which makes an artefact again takes no answer over."""
    shutil.rmtree(STORE / "work" / key, ignore_errors=True)
    for note in notes_of_others(STORE, key, params):
        note.unlink()


def delete_artefact(folder: Path) -> None:
    """Delete a folder of the store. Its records go first: half of an artefact is none."""
    for name in ("record.json", RECORD_COPY):
        (folder / name).unlink(missing_ok=True)
    shutil.rmtree(folder)


def folder_bytes(folder: Path) -> int:
    return sum(file.lstat().st_size for file in folder.rglob("*") if file.is_file())


if __name__ == "__main__":
    main()
