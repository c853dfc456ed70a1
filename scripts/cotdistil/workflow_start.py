"""From config files to the plan, for Snakemake's main process and for commands about the plan."""

from pathlib import Path

from cotdistil.config import Config
from cotdistil.config.file import load_config
from cotdistil.errors import ConfigError, UserError
from cotdistil.plan import Plan, make_plan
from cotdistil.surroundings import LocalFiles, missing_packages, surroundings


def load_experiment(
    files: list[str], default_file: str, given: dict, rules_have_own_environment: bool = False
) -> tuple[Config, Plan]:
    """The checked config and its plan.

    files: config files named on the command line; they replace `default_file`, never mix with it.
    given: what Snakemake read from those files and from `--config`.
    rules_have_own_environment: packages are then not looked for in this one.
    Raises `UserError` with every fault found.
    """
    results = Path("results")
    if results.exists() and not results.is_dir():
        raise UserError(
            f"{results.absolute()}: found a file; expected a folder, or nothing; results go there;"
            " move the file away"
        )
    shown = files or [default_file]
    config = load_config(shown, given)
    local = LocalFiles(", ".join(shown))
    plan = make_plan(config, surroundings(local))
    faults = [] if rules_have_own_environment else missing_packages(config, ", ".join(shown))
    if faults:
        raise ConfigError(faults)
    plan.remember_files = local.remember
    return config, plan
