# Tables and figures, in the store and under the experiment's name.


rule summarize_scores:
    """Accuracy, intervals and differences of every arm."""
    input:
        parents,
    output:
        "results/store/tables/{key}/record.json",
    log:
        "results/store/logs/tables/{key}.log",
    benchmark:
        "results/store/benchmarks/tables/{key}.jsonl"
    conda:
        ENVIRONMENT
    params:
        name=artefact_name,
    message:
        "tables: {params.name}"
    shell:
        "python scripts/summarize_scores.py"
        " --manifest results/store/manifests/{wildcards.key}.json --out {output:q}"
        " --name {params.name:q} 2> {log:q}"


rule plot_accuracy_tokens:
    """Accuracy against tokens, an interval on each point."""
    input:
        parents,
    output:
        "results/store/figures/{key}/record.json",
    log:
        "results/store/logs/figures/{key}.log",
    benchmark:
        "results/store/benchmarks/figures/{key}.jsonl"
    conda:
        ENVIRONMENT
    params:
        name=artefact_name,
    message:
        "figures: {params.name}"
    shell:
        "python scripts/plot_accuracy_tokens.py"
        " --manifest results/store/manifests/{wildcards.key}.json --out {output:q}"
        " --name {params.name:q} 2> {log:q}"


rule tabulate_audit:
    """Where other opinions on the verdicts differ, and what they make of the accuracies."""
    input:
        parents,
    output:
        "results/store/audit_tables/{key}/record.json",
    log:
        "results/store/logs/audit_tables/{key}.log",
    benchmark:
        "results/store/benchmarks/audit_tables/{key}.jsonl"
    conda:
        ENVIRONMENT
    params:
        name=artefact_name,
    message:
        "audit: {params.name}"
    shell:
        "python scripts/tabulate_audit.py"
        " --manifest results/store/manifests/{wildcards.key}.json --out {output:q}"
        " --name {params.name:q} 2> {log:q}"


rule mark_published:
    """Say which tables the named folder is to show; the marker of any others goes.

    So the folder is renewed whenever it shows other tables than the config asks for, also when a
    value is changed back and the tables themselves are in the store already.
    """
    input:
        shown_artefacts,
    output:
        "results/{experiment}/published/{shown}.json",
    log:
        "results/store/logs/published/{experiment}-{shown}.log",
    localrule: True
    conda:
        ENVIRONMENT
    message:
        "publishing the tables of {wildcards.experiment}"
    shell:
        "python scripts/publish_results.py mark --marker {output:q} 2> {log:q}"


rule publish_results:
    """Copy tables and figures to the experiment's folder, and link its arms into the store."""
    input:
        planned_artefacts,
        marker=published_marker,
    output:
        "results/{experiment}/tables/summary.csv",
        "results/{experiment}/tables/summary.md",
        "results/{experiment}/tables/gaps.csv",
        "results/{experiment}/figures/accuracy_vs_tokens.png",
        "results/{experiment}/figures/accuracy_vs_tokens.svg",
        *AUDIT_TABLES,
    log:
        "results/store/logs/published/{experiment}.log",
    localrule: True
    conda:
        ENVIRONMENT
    message:
        "results/{wildcards.experiment}"
    shell:
        "python scripts/publish_results.py publish --marker {input.marker:q} 2> {log:q}"
