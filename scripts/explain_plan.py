"""Say what a run would make, and why: which value, file or code differs from the last run.

    python scripts/explain_plan.py
    python scripts/explain_plan.py --configfile config/mine.yaml

Compares the config as it is now with what the last run of the experiment planned. Nothing is run.
"""

import argparse
import sys
from collections import Counter
from pathlib import Path

from cotdistil.errors import UserError
from cotdistil.last_run import read_last_plan
from cotdistil.plan import Plan
from cotdistil.store import Node, read_manifest, record_path
from cotdistil.workflow_start import load_experiment


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--configfile", nargs="+", default=[], metavar="FILE")
    arguments = parser.parse_args()
    try:
        _, plan = load_experiment(arguments.configfile, "config/config.yaml", {})
    except UserError as error:
        sys.exit(str(error))
    print("\n".join(explain(plan, last_manifests(plan.experiment))))


def last_manifests(experiment: str) -> dict[tuple[str, str], dict]:
    """(stage, name) -> manifest, of every artefact that the last run planned."""
    found = {}
    for address, name in read_last_plan(experiment).items():
        stage, key = address.split("/")
        found[stage, name] = read_manifest(key)
    return found


def explain(plan: Plan, last: dict[tuple[str, str], dict]) -> list[str]:
    """Lines for a person: each cause with the artefacts that it touches first, then a count."""
    missing = missing_nodes(plan)
    if not missing:
        if Path(plan.marker).exists():
            return [f"{plan.experiment}: everything is made; nothing would run"]
        return [
            f"{plan.experiment}: everything is made; results/{plan.experiment} would be renewed"
        ]
    causes: dict[str, list[str]] = {}
    following: Counter[str] = Counter()
    missing_addresses = {node.address for node in missing}
    for node in missing:
        reasons = own_reasons(node, last.get((node.stage, node.name)))
        for reason in reasons:
            causes.setdefault(f"{node.stage}: {reason}", []).append(node.name)
        if not reasons:
            made_before = any(parent in missing_addresses for parent in node.parent_addresses)
            following[node.stage] += 1
            if not made_before:
                causes.setdefault(f"{node.stage}: its inputs are other ones", []).append(node.name)
    lines = [f"{plan.experiment}: {len(missing)} of {len(plan.nodes)} artefacts would be made"]
    lines += [f"  {cause}  ({_some(names)})" for cause, names in causes.items()]
    if following:
        counts = ", ".join(f"{count} {stage}" for stage, count in following.items())
        lines.append(f"  and what follows from these: {counts}")
    return lines


def missing_nodes(plan: Plan) -> list[Node]:
    """What a run would make: what is missing on the way from the final artefacts to what exists."""
    wanted, queue = set(), plan.finals
    while queue:
        address = queue.pop()
        if address not in wanted and not Path(record_path(address)).exists():
            wanted.add(address)
            queue += plan.nodes[address].parent_addresses
    return [node for address, node in plan.nodes.items() if address in wanted]


def own_reasons(node: Node, before: dict | None) -> list[str]:
    """What differs in the artefact itself, not in its parents; empty if nothing does."""
    if before is None:
        return ["new"]
    if before == node.manifest:
        return ["not made yet, or deleted"]
    reasons = [
        "other arms, or other names or another order of them"
        if key == "arms"
        else f"{key}: {_show(before['params'].get(key))} → {_show(node.params.get(key))}"
        for key in dict.fromkeys([*before["params"], *node.params])
        if key != "answers" and before["params"].get(key) != node.params.get(key)
    ]
    if before["code"] != node.code:
        reasons.append(f"code: version {before['code']} → {node.code}")
    reasons += [
        f"file {name}: other content"
        for name in dict.fromkeys([*before["files"], *node.files])
        if before["files"].get(name) != node.files.get(name)
    ]
    # A key over the params, the model and the code that decide a single answer.
    other_answers = before["params"].get("answers") != node.params.get("answers")
    if other_answers and not reasons and before["parents"] == node.parents:
        reasons.append("code: another version of what decides an answer")
    return reasons


def _show(value: object) -> str:
    text = str(value)
    return text if len(text) <= 40 else f"{text[:37]}…"


def _some(names: list[str]) -> str:
    rest = len(names) - 3
    return "; ".join(names[:3]) + (f"; and {rest} more" if rest > 0 else "")


if __name__ == "__main__":
    main()
