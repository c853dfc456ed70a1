# Tables and figures, in the store.


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


rule tabulate_ledger:
    """Tabulate what became of the data, from corpora to training sets."""
    input:
        parents,
    output:
        "results/store/ledger/{key}/record.json",
    log:
        "results/store/logs/ledger/{key}.log",
    benchmark:
        "results/store/benchmarks/ledger/{key}.jsonl"
    conda:
        ENVIRONMENT
    params:
        name=artefact_name,
    message:
        "ledger: {params.name}"
    shell:
        "python scripts/tabulate_ledger.py"
        " --manifest results/store/manifests/{wildcards.key}.json --out {output:q}"
        " --name {params.name:q} 2> {log:q}"


rule tabulate_pruning:
    """Tabulate what pruning left of the traces, where it cut, and what that cost."""
    input:
        parents,
    output:
        "results/store/pruning_tables/{key}/record.json",
    log:
        "results/store/logs/pruning_tables/{key}.log",
    benchmark:
        "results/store/benchmarks/pruning_tables/{key}.jsonl"
    conda:
        ENVIRONMENT
    params:
        name=artefact_name,
    message:
        "pruning tables: {params.name}"
    shell:
        "python scripts/tabulate_pruning.py"
        " --manifest results/store/manifests/{wildcards.key}.json --out {output:q}"
        " --name {params.name:q} 2> {log:q}"
