# Samples and their scores, per arm and benchmark.


rule generate_samples:
    """Sample k responses to each of a benchmark's problems."""
    input:
        parents,
    output:
        "results/store/samples/{key}/record.json",
    log:
        "results/store/logs/samples/{key}.log",
    benchmark:
        "results/store/benchmarks/samples/{key}.jsonl"
    conda:
        ENVIRONMENT
    threads: HEAVY_THREADS
    resources:
        gpu=0,
    params:
        name=artefact_name,
    message:
        "samples: {params.name}"
    shell:
        "python scripts/generate_samples.py"
        " --manifest results/store/manifests/{wildcards.key}.json --out {output:q}"
        " --name {params.name:q} --threads {threads} --gpus {resources.gpu} 2> {log:q}"


rule score_samples:
    """Extract and grade the answer of every sample."""
    input:
        parents,
    output:
        "results/store/scores/{key}/record.json",
    log:
        "results/store/logs/scores/{key}.log",
    benchmark:
        "results/store/benchmarks/scores/{key}.jsonl"
    conda:
        ENVIRONMENT
    params:
        name=artefact_name,
    message:
        "scores: {params.name}"
    shell:
        "python scripts/score_samples.py"
        " --manifest results/store/manifests/{wildcards.key}.json --out {output:q}"
        " --name {params.name:q} 2> {log:q}"
