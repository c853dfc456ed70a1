"""A copy of the project in a folder of its own, on which tests plan, edit and run."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import yaml

PROJECT = Path(__file__).resolve().parent.parent
PARTS = ("Snakefile", "rules", "scripts", "config", "profiles", "envs")

# What the named folder shows of these stages.
PUBLISHED = {
    "tables": ["summary.csv", "summary.md", "gaps.csv"],
    "figures": ["accuracy_vs_tokens.png", "accuracy_vs_tokens.svg"],
    "ledger": ["ledger.csv", "corpora.csv", "contamination.csv", "trace_lengths.png"],
    "pruning_tables": [
        *("pruning.csv", "pruning.md", "pruning_reasons.csv", "pruning.png", "pruning.svg"),
    ],
    "trace_browsers": ["browser.html"],
    "trace_index": ["index.html"],
}

# What stands in for finished results where only the plan matters: every planned artefact's record,
# and the named tables, exist; nothing has run.
_PRETEND = """
import sys; sys.path.insert(0, "scripts")
from pathlib import Path
from cotdistil.last_run import begin_run
from cotdistil.store import record_path
from cotdistil.workflow_start import load_experiment
config, plan = load_experiment(sys.argv[1:], "config/config.yaml", {})
begin_run(config, plan)
root = Path("results") / plan.experiment
named = [Path(plan.marker)]
named += [root / "tables" / name for name in ("summary.csv", "summary.md", "gaps.csv")]
ledger = ("ledger.csv", "corpora.csv", "contamination.csv")
named += [root / "tables" / name for name in ledger if plan.ledger]
named += [root / "figures" / "trace_lengths.png"] if plan.ledger else []
pruning = ("pruning.csv", "pruning.md", "pruning_reasons.csv")
named += [root / "tables" / name for name in pruning if plan.pruning]
named += [root / "figures" / f"pruning.{kind}" for kind in ("png", "svg") if plan.pruning]
named += [root / "traces" / "index.html"] if plan.traces else []
named += [root / "tables" / name for name in ("audit.csv", "disagreements.csv") if plan.audit]
named += [root / "figures" / f"accuracy_vs_tokens.{kind}" for kind in ("png", "svg")]
for path in [Path(record_path(address)) for address in plan.nodes]:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.exists() or path.write_text("{}")
for marker in named[0].parent.glob("*.json"):
    marker.unlink()
for path in named:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("{}")
"""


class Checkout:
    """A copy of the project's files under `folder`, without results."""

    def __init__(self, folder: Path):
        self.folder = folder
        for part in PARTS:
            source = PROJECT / part
            if source.is_dir():
                shutil.copytree(source, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                folder.mkdir(parents=True, exist_ok=True)
                shutil.copy(source, folder / part)

    @classmethod
    def at(cls, folder: Path) -> "Checkout":
        """A checkout that is there already."""
        checkout = object.__new__(cls)
        checkout.folder = folder
        return checkout

    @property
    def config_file(self) -> Path:
        return self.folder / "config" / "config.yaml"

    def config(self) -> dict:
        return yaml.safe_load(self.config_file.read_text())

    def write_config(self, config: dict) -> None:
        self.config_file.write_text(yaml.safe_dump(config, sort_keys=False, allow_unicode=True))

    def snakemake(self, *arguments: str, timeout: float = 600) -> subprocess.CompletedProcess:
        """Run Snakemake here; stdout and stderr come back together as `.stdout`."""
        return subprocess.run(
            [sys.executable, "-m", "snakemake", *arguments],
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=timeout,
        )

    def planned_jobs(self, *arguments: str) -> list[str]:
        """The messages of the jobs that a dry run lists, sorted; targets without files left out."""
        result = self.snakemake(*arguments, "--dry-run")
        assert result.returncode == 0, result.stdout
        return sorted(re.findall(r"^Job \d+: (.+)$", result.stdout, flags=re.MULTILINE))

    def pretend_all_is_done(self, *config_files: str) -> None:
        """Make a finished experiment without running it: for tests of the plan alone."""
        subprocess.run([sys.executable, "-c", _PRETEND, *config_files], cwd=self.folder, check=True)

    def pretend_what_is_published(self) -> None:
        """Put files into the finished artefacts that the named folder copies."""
        for stage, names in PUBLISHED.items():
            for folder in (self.folder / "results" / "store" / stage).glob("*"):
                for name in names:
                    (folder / name).write_text(f"{name}, made earlier")
