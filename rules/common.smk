# The plan, and the functions that rules share. The main process makes the plan from the config; a job
# of a cluster parses this file again, and reads manifests only: the config may have changed by then.
import contextlib
import os
import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError

sys.path.insert(0, os.path.join(workflow.basedir, "scripts"))

from cotdistil.errors import UserError
from cotdistil.python_environment import chosen_pins, put_this_python_first
from cotdistil.store import KEY_PATTERN, parent_addresses, read_manifest, record_path

# Two heavy jobs side by side: one computes while the other loads. A profile may say otherwise.
try:
    HEAVY_THREADS = max(1, workflow.cores // 2)
except (WorkflowError, TypeError):
    HEAVY_THREADS = 1  # no number of cores is given: on a cluster, set-threads says it

put_this_python_first()
ENVIRONMENT = f"../envs/{chosen_pins()}.yaml"
CONFIG = PLAN = None
RESULTS, LEDGER, PRUNING_TABLES, TRACE_PAGES, AUDIT_TABLES = [], [], [], [], []

if workflow.is_main_process:
    if os.path.realpath(os.getcwd()) != os.path.realpath(workflow.basedir):
        raise WorkflowError(
            f"Snakemake runs in {os.getcwd()}; expected the folder of the Snakefile,"
            f" {workflow.basedir}, where the commands are; run it there, without --directory"
        )
    from cotdistil.auditors import check_auditors
    from cotdistil.last_run import begin_run, remove_stale_results
    from cotdistil.run_summary import print_summary
    from cotdistil.workflow_start import load_experiment

    try:
        CONFIG, PLAN = load_experiment(
            files=[str(file) for file in workflow.overwrite_configfiles],
            default_file="config/config.yaml",
            given=config,
            rules_have_own_environment="CONDA"
            in str(workflow.deployment_settings.deployment_method),
        )
    except UserError as error:
        raise WorkflowError(str(error)) from None
    if PLAN.ledger:
        LEDGER = [
            "results/{experiment}/tables/ledger.csv",
            "results/{experiment}/tables/corpora.csv",
            "results/{experiment}/tables/contamination.csv",
            "results/{experiment}/figures/trace_lengths.png",
        ]
    if PLAN.pruning:
        PRUNING_TABLES = [
            "results/{experiment}/tables/pruning.csv",
            "results/{experiment}/tables/pruning.md",
            "results/{experiment}/tables/pruning_reasons.csv",
            "results/{experiment}/figures/pruning.png",
            "results/{experiment}/figures/pruning.svg",
        ]
    if PLAN.audit:
        AUDIT_TABLES = [
            "results/{experiment}/tables/audit.csv",
            "results/{experiment}/tables/disagreements.csv",
        ]
    if PLAN.traces:
        TRACE_PAGES = ["results/{experiment}/traces/index.html"]
    RESULTS = [
        PLAN.marker,
        f"results/{PLAN.experiment}/tables/summary.csv",
        f"results/{PLAN.experiment}/figures/accuracy_vs_tokens.png",
        *expand(
            LEDGER + PRUNING_TABLES + TRACE_PAGES + AUDIT_TABLES,
            experiment=PLAN.experiment,
        ),
    ]

NODES = PLAN.by_key() if PLAN else {}


wildcard_constraints:
    key=KEY_PATTERN,
    shown=rf"{KEY_PATTERN}(-{KEY_PATTERN})*",
    experiment=r"[A-Za-z0-9][A-Za-z0-9._-]*",


def manifest_of(key):
    """What an artefact is made of, from this plan or from that of an earlier run."""
    node = NODES.get(key)
    try:
        return node.manifest if node else read_manifest(key)
    except FileNotFoundError:
        raise WorkflowError(
            f"the key {key} is neither in the plan of this config nor in one of an earlier run;"
            " give the name of a table, or of an experiment, as the target"
        ) from None


def parents(wildcards):
    """The records of the artefacts that this one is made from, found by key.

    `ancient`: an artefact's key says what it was made from; dates say nothing.
    """
    addresses = parent_addresses(manifest_of(wildcards.key))
    return [ancient(record_path(address)) for address in addresses]


def asks_endpoint(wildcards):
    """How many of the jobs that may ask an endpoint at once this one is."""
    return int(manifest_of(wildcards.key)["params"]["backend"] == "endpoint")


def artefact_name(wildcards):
    """What a person calls the artefact, for messages."""
    node = NODES.get(wildcards.key)
    if node:
        return node.name
    from cotdistil.last_run import read_names

    return read_names().get(wildcards.key, wildcards.key)


def start_run():
    """Write what the jobs will read; a fault is one message, without a traceback."""
    try:
        check_auditors(CONFIG, PLAN)
        begin_run(CONFIG, PLAN)
    except UserError as error:
        raise WorkflowError(str(error)) from None


def planned_artefacts(wildcards):
    """Every artefact of the plan.

    Those that exist are not `ancient`: where one of them must be made again (it was half-written, or
    `--forcerun` names it), Snakemake would otherwise not see that what hangs on it is missing.
    """
    records = [record_path(address) for address in PLAN.nodes] if PLAN else []
    return [record if os.path.exists(record) else ancient(record) for record in records]


def shown_artefacts(wildcards):
    """What a marker names: figures, and the tables of data, pruning and audit and the traces."""
    keys = wildcards.shown.split("-")
    return [ancient(record_path(f"{manifest_of(key)['stage']}/{key}")) for key in keys]


def published_marker(wildcards):
    """The marker that says which tables and figures the experiment's named folder is to show."""
    if PLAN is None or wildcards.experiment != PLAN.experiment:
        raise WorkflowError(
            f"results/{wildcards.experiment}: the config describes the experiment"
            f" '{PLAN.experiment if PLAN else None}'; give --configfile for the other one"
        )
    # `executor_plugin` is None where nothing is run, as with --dag, --summary and --unlock.
    if workflow.executor_plugin is not None and not (workflow.dryrun or workflow.touch):
        # Where another run works here, or an audit cannot be made, files are kept; `start_run` then
        # refuses this run.
        with contextlib.suppress(UserError):
            check_auditors(CONFIG, PLAN)
            remove_stale_results(PLAN)
    return PLAN.marker
