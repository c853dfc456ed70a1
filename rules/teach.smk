# Corpora: the teachers' traces on the training problems.


rule generate_responses:
    """Let a teacher answer the training problems, one shard of them."""
    input:
        parents,
    output:
        "results/store/responses/{key}/record.json",
    log:
        "results/store/logs/responses/{key}.log",
    benchmark:
        "results/store/benchmarks/responses/{key}.jsonl"
    conda:
        ENVIRONMENT
    threads: HEAVY_THREADS
    resources:
        gpu=0,
        endpoint=asks_endpoint,
    params:
        name=artefact_name,
    message:
        "responses: {params.name}"
    shell:
        "python scripts/generate_responses.py"
        " --manifest results/store/manifests/{wildcards.key}.json --out {output:q}"
        " --name {params.name:q} --threads {threads} --gpus {resources.gpu} 2> {log:q}"


rule write_traces:
    """Write or read the traces of one teacher on one problem set, and grade them."""
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
    params:
        name=artefact_name,
    message:
        "corpus: {params.name}"
    shell:
        "python scripts/write_traces.py"
        " --manifest results/store/manifests/{wildcards.key}.json --out {output:q}"
        " --name {params.name:q} --threads {threads} 2> {log:q}"


rule count_tokens:
    """Measure a corpus's traces in a student's tokens."""
    input:
        parents,
    output:
        "results/store/token_counts/{key}/record.json",
    log:
        "results/store/logs/token_counts/{key}.log",
    benchmark:
        "results/store/benchmarks/token_counts/{key}.jsonl"
    conda:
        ENVIRONMENT
    threads: HEAVY_THREADS
    params:
        name=artefact_name,
    message:
        "token counts: {params.name}"
    shell:
        "python scripts/count_tokens.py"
        " --manifest results/store/manifests/{wildcards.key}.json --out {output:q}"
        " --name {params.name:q} --threads {threads} 2> {log:q}"
