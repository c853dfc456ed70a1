"""Distil long chain-of-thought reasoning into small language models: one config in, tables out."""

from snakemake.utils import min_version

min_version("9.27")


include: "rules/common.smk"
include: "rules/data.smk"
include: "rules/teach.smk"
include: "rules/curate.smk"
include: "rules/train.smk"
include: "rules/evaluate.smk"
include: "rules/report.smk"
include: "rules/browse.smk"
include: "rules/publish.smk"


rule all:
    default_target: True
    input:
        RESULTS,


if PLAN is not None:

    rule:
        name:
            PLAN.experiment
        input:
            rules.all.input,


onstart:
    start_run()


onsuccess:
    print_summary(PLAN.experiment)
