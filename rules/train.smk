# Trained students.


rule train_sft:
    """Fine-tune the untouched student on a training set; the loss is on the response only."""
    input:
        parents,
    output:
        "results/store/sft/{key}/record.json",
    log:
        "results/store/logs/sft/{key}.log",
    benchmark:
        "results/store/benchmarks/sft/{key}.jsonl"
    # Before samples, so that no core waits for the last training.
    priority: 40
    conda:
        ENVIRONMENT
    threads: HEAVY_THREADS
    resources:
        gpu=0,
    params:
        name=artefact_name,
    message:
        "SFT: {params.name}"
    shell:
        "python scripts/train_sft.py"
        " --manifest results/store/manifests/{wildcards.key}.json --out {output:q}"
        " --name {params.name:q} --threads {threads} --gpus {resources.gpu} 2> {log:q}"
