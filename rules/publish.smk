# The experiment's named folder: copies of its tables, figures and trace pages, links to its arms.


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
    """Copy tables, figures and trace pages to the experiment's folder; link its arms."""
    input:
        planned_artefacts,
        marker=published_marker,
    output:
        "results/{experiment}/tables/summary.csv",
        "results/{experiment}/tables/summary.md",
        "results/{experiment}/tables/gaps.csv",
        "results/{experiment}/figures/accuracy_vs_tokens.png",
        "results/{experiment}/figures/accuracy_vs_tokens.svg",
        *LEDGER,
        *PRUNING_TABLES,
        *AUDIT_TABLES,
        *TRACE_PAGES,
    log:
        "results/store/logs/published/{experiment}.log",
    localrule: True
    conda:
        ENVIRONMENT
    message:
        "results/{wildcards.experiment}"
    shell:
        "python scripts/publish_results.py publish --marker {input.marker:q} 2> {log:q}"
