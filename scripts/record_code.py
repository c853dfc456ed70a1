"""Record what the code of each stage is now, after an edit.

    python scripts/record_code.py --outputs-unchanged             # every stage that differs
    python scripts/record_code.py --raise-version sft samples.vllm  # outputs change: rerun them

Results are keyed on the version of the code that made them. An edit that leaves outputs as they
were keeps the version, and nobody's results are thrown away; an edit that changes outputs raises
it. Without an option the command lists the stages whose code differs from the record, and exits 1
if there are any.
"""

import argparse
import json
from pathlib import Path

from cotdistil.code_version import RECORD, SCRIPTS, read_record, record_name, stage_fingerprint
from cotdistil.stages import STAGES


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--outputs-unchanged", nargs="*", metavar="STAGE", default=None)
    parser.add_argument("--raise-version", nargs="+", metavar="STAGE", default=[])
    arguments = parser.parse_args()
    record, now = dict(read_record()), fingerprints()
    differing = [name for name in now if record.get(name, {}).get("fingerprint") != now[name]]
    stale = sorted(set(record) - set(now))
    unknown = (set(arguments.raise_version) | set(arguments.outputs_unchanged or [])) - set(now)
    if unknown:
        parser.error(f"unknown stages {sorted(unknown)}; known are {sorted(now)}")
    if not arguments.raise_version and arguments.outputs_unchanged is None:
        print("\n".join([*(f"{name}: differs" for name in differing), *stale]) or "all as recorded")
        raise SystemExit(1 if differing or stale else 0)
    same = differing if arguments.outputs_unchanged == [] else arguments.outputs_unchanged or []
    for name in now:
        version = record.get(name, {"version": 1})["version"]
        if name in arguments.raise_version:
            version += 1
        elif name not in same:
            continue
        record[name] = {"version": version, "fingerprint": now[name]}
        print(f"{name}: version {version}")
    kept = {name: record[name] for name in sorted(now) if name in record}
    RECORD.write_text(json.dumps(kept, indent=1) + "\n")


def fingerprints(scripts: Path = SCRIPTS) -> dict[str, str]:
    """Record name -> fingerprint, for every stage and every variant that has a module."""
    found = {}
    for stage, description in STAGES.items():
        names = variants(description.variant_module, scripts)
        for variant in [*names, ""] if description.variant_optional else names or [""]:
            found[record_name(stage, variant)] = stage_fingerprint(stage, variant, scripts)
    return found


def variants(variant_module: str, scripts: Path) -> list[str]:
    """The variants of a stage, from the module files that are there."""
    if not variant_module:
        return []
    before, after = variant_module.split("{}")
    files = sorted(scripts.glob(variant_module.replace("{}", "*")))
    names = [str(file.relative_to(scripts))[len(before) : -len(after)] for file in files]
    return [name for name in names if not name.startswith("_")]


if __name__ == "__main__":
    main()
