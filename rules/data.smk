# Problem sets and models: what comes from outside, or is drawn from a seed; what is left out of them.


rule make_problems:
    """Draw, read or download one split of a problem set."""
    input:
        parents,
    output:
        "results/store/problems/{key}/record.json",
    log:
        "results/store/logs/problems/{key}.log",
    benchmark:
        "results/store/benchmarks/problems/{key}.jsonl"
    conda:
        ENVIRONMENT
    params:
        name=artefact_name,
    message:
        "problems: {params.name}"
    shell:
        "python scripts/make_problems.py"
        " --manifest results/store/manifests/{wildcards.key}.json --out {output:q}"
        " --name {params.name:q} 2> {log:q}"


rule fetch_model:
    """Bring a model into the store, as safetensors with its tokenizer."""
    input:
        parents,
    output:
        "results/store/models/{key}/record.json",
    log:
        "results/store/logs/models/{key}.log",
    benchmark:
        "results/store/benchmarks/models/{key}.jsonl"
    conda:
        ENVIRONMENT
    params:
        name=artefact_name,
    message:
        "model: {params.name}"
    shell:
        "python scripts/fetch_model.py"
        " --manifest results/store/manifests/{wildcards.key}.json --out {output:q}"
        " --name {params.name:q} 2> {log:q}"


rule screen_problems:
    """Find training problems that are duplicates, or that a benchmark asks."""
    input:
        parents,
    output:
        "results/store/screening/{key}/record.json",
    log:
        "results/store/logs/screening/{key}.log",
    benchmark:
        "results/store/benchmarks/screening/{key}.jsonl"
    conda:
        ENVIRONMENT
    params:
        name=artefact_name,
    message:
        "screening: {params.name}"
    shell:
        "python scripts/screen_problems.py"
        " --manifest results/store/manifests/{wildcards.key}.json --out {output:q}"
        " --name {params.name:q} 2> {log:q}"


rule hold_out_problems:
    """Leave out of a benchmark what is among training problems."""
    input:
        parents,
    output:
        "results/store/held_out/{key}/record.json",
    log:
        "results/store/logs/held_out/{key}.log",
    benchmark:
        "results/store/benchmarks/held_out/{key}.jsonl"
    conda:
        ENVIRONMENT
    params:
        name=artefact_name,
    message:
        "benchmark: {params.name}"
    shell:
        "python scripts/hold_out_problems.py"
        " --manifest results/store/manifests/{wildcards.key}.json --out {output:q}"
        " --name {params.name:q} 2> {log:q}"
