# Samples, their scores and other opinions on these, per arm and benchmark.


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


rule audit_scores:
    """Ask math-verify about every answer that was graded."""
    input:
        parents,
    output:
        "results/store/second_opinions/{key}/record.json",
    log:
        "results/store/logs/second_opinions/{key}.log",
    benchmark:
        "results/store/benchmarks/second_opinions/{key}.jsonl"
    conda:
        ENVIRONMENT
    params:
        name=artefact_name,
    message:
        "second opinions: {params.name}"
    shell:
        "python scripts/audit_scores.py"
        " --manifest results/store/manifests/{wildcards.key}.json --out {output:q}"
        " --name {params.name:q} 2> {log:q}"


rule judge_mismatches:
    """Ask a language model about every answer that the rule calls wrong."""
    input:
        parents,
    output:
        "results/store/judgements/{key}/record.json",
    log:
        "results/store/logs/judgements/{key}.log",
    benchmark:
        "results/store/benchmarks/judgements/{key}.jsonl"
    conda:
        ENVIRONMENT
    resources:
        endpoint=1,
    params:
        name=artefact_name,
    message:
        "judgements: {params.name}"
    shell:
        "python scripts/judge_mismatches.py"
        " --manifest results/store/manifests/{wildcards.key}.json --out {output:q}"
        " --name {params.name:q} 2> {log:q}"
