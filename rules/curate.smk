# Training sets: what a recipe makes of corpora, for one student where the student decides.


rule build_training_set:
    """Take a corpus's correct traces, or mix training sets, one trace per problem."""
    input:
        parents,
    output:
        "results/store/training_sets/{key}/record.json",
    log:
        "results/store/logs/training_sets/{key}.log",
    benchmark:
        "results/store/benchmarks/training_sets/{key}.jsonl"
    conda:
        ENVIRONMENT
    params:
        name=artefact_name,
    message:
        "training set: {params.name}"
    shell:
        "python scripts/build_training_set.py"
        " --manifest results/store/manifests/{wildcards.key}.json --out {output:q}"
        " --name {params.name:q} 2> {log:q}"


rule segment_thinking:
    """Let a model say where the steps of each trace's thinking begin."""
    input:
        parents,
    output:
        "results/store/steps/{key}/record.json",
    log:
        "results/store/logs/steps/{key}.log",
    benchmark:
        "results/store/benchmarks/steps/{key}.jsonl"
    # Pruning, and all that comes after it, waits for it.
    priority: 50
    conda:
        ENVIRONMENT
    threads: HEAVY_THREADS
    resources:
        gpu=0,
    params:
        name=artefact_name,
    message:
        "steps: {params.name}"
    shell:
        "python scripts/segment_thinking.py"
        " --manifest results/store/manifests/{wildcards.key}.json --out {output:q}"
        " --name {params.name:q} --threads {threads} --gpus {resources.gpu} 2> {log:q}"


rule prune_traces:
    """Shorten each trace to the shortest prefix from which the student still answers correctly."""
    input:
        parents,
    output:
        "results/store/pruned/{key}/record.json",
    log:
        "results/store/logs/pruned/{key}.log",
    benchmark:
        "results/store/benchmarks/pruned/{key}.jsonl"
    # The longest chain is pruning, training, sampling; its first jobs go first.
    priority: 50
    conda:
        ENVIRONMENT
    threads: HEAVY_THREADS
    resources:
        gpu=0,
    params:
        name=artefact_name,
    message:
        "pruning: {params.name}"
    shell:
        "python scripts/prune_traces.py"
        " --manifest results/store/manifests/{wildcards.key}.json --out {output:q}"
        " --name {params.name:q} --threads {threads} --gpus {resources.gpu} 2> {log:q}"
