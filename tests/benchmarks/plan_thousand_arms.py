"""How long the plan of 1,000 arms takes, and a dry run of it.

python tests/benchmarks/plan_thousand_arms.py
"""

import sys
import tempfile
import time
from pathlib import Path

TESTS = Path(__file__).parents[1]


def main() -> None:
    sys.path[:0] = [str(TESTS), str(TESTS.parent / "scripts")]
    from checkout import Checkout
    from cotdistil.config.file import check_config
    from cotdistil.plan import make_plan
    from cotdistil.surroundings import LocalFiles, surroundings

    with tempfile.TemporaryDirectory() as folder:
        checkout = Checkout(Path(folder) / "project")
        config = checkout.config()
        config["seeds"] = list(range(250))
        checkout.write_config(config)
        started = time.perf_counter()
        plan = make_plan(check_config(config, []), surroundings(LocalFiles("config.yaml")))
        print(f"plan of {len(plan.nodes)} artefacts: {time.perf_counter() - started:.2f} s")
        started = time.perf_counter()
        jobs = checkout.planned_jobs()
        print(f"snakemake --dry-run of {len(jobs)} jobs: {time.perf_counter() - started:.1f} s")


if __name__ == "__main__":
    main()
