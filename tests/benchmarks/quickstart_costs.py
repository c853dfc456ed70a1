"""What each job of the last quickstart cost, from the artefacts' records.

python tests/benchmarks/quickstart_costs.py
"""

import json
from pathlib import Path


def main() -> None:
    names = json.loads(Path("results/quickstart/plan.json").read_text())
    total = 0.0
    for address, name in names.items():
        record = json.loads(Path("results/store", address, "record.json").read_text())
        cost = record["cost"]
        total += cost["cpu_seconds"]
        print(
            f"{address.split('/')[0]:<14} {name:<40} {cost['seconds']:7.1f} s"
            f" {cost['cpu_seconds']:7.1f} CPU-s {cost['peak_memory_mb']:6d} MB"
        )
    print(f"{total:.0f} CPU-seconds in all")


if __name__ == "__main__":
    main()
