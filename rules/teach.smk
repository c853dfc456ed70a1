# Corpora: the teachers' traces on the training problems.


rule write_traces:
    """Write, read or generate the traces of one teacher on one problem set."""
    input:
        parents,
    output:
        "results/store/corpora/{key}/record.json",
    log:
        "results/store/logs/corpora/{key}.log",
    benchmark:
        "results/store/benchmarks/corpora/{key}.jsonl"
    conda:
        ENVIRONMENT
    threads: HEAVY_THREADS
    resources:
        gpu=0,
    params:
        name=artefact_name,
    message:
        "corpus: {params.name}"
    shell:
        "python scripts/write_traces.py"
        " --manifest results/store/manifests/{wildcards.key}.json --out {output:q}"
        " --name {params.name:q} --threads {threads} --gpus {resources.gpu} 2> {log:q}"
