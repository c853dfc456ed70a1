# Pages to read the traces of training sets in.


rule browse_traces:
    """A page with the traces of a training set: what was kept and cut, and every verdict."""
    input:
        parents,
    output:
        "results/store/trace_browsers/{key}/record.json",
    log:
        "results/store/logs/trace_browsers/{key}.log",
    benchmark:
        "results/store/benchmarks/trace_browsers/{key}.jsonl"
    conda:
        ENVIRONMENT
    params:
        name=artefact_name,
    message:
        "trace browser: {params.name}"
    shell:
        "python scripts/browse_traces.py"
        " --manifest results/store/manifests/{wildcards.key}.json --out {output:q}"
        " --name {params.name:q} --threads {threads} 2> {log:q}"


rule index_browsers:
    """A table of contents over the pages."""
    input:
        parents,
    output:
        "results/store/trace_index/{key}/record.json",
    log:
        "results/store/logs/trace_index/{key}.log",
    benchmark:
        "results/store/benchmarks/trace_index/{key}.jsonl"
    conda:
        ENVIRONMENT
    params:
        name=artefact_name,
    message:
        "trace index: {params.name}"
    shell:
        "python scripts/index_browsers.py"
        " --manifest results/store/manifests/{wildcards.key}.json --out {output:q}"
        " --name {params.name:q} 2> {log:q}"
