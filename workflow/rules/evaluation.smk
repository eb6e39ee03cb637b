# Evaluation: the records against references, with baselines and intervals.


localrules:
    evaluate,


rule evaluate:
    input:
        records=rules.analysis.input,
        scan=scanned,
    output:
        bpm=f"{RESULTS}/evaluation/bpm.json",
        beats=f"{RESULTS}/evaluation/beats.json",
        structure=f"{RESULTS}/evaluation/structure.json",
        key=f"{RESULTS}/evaluation/key.json",
        summary=report(
            f"{RESULTS}/evaluation/summary.md",
            category="Evaluation",
            caption="../report/evaluation.rst",
            labels={"table": "All scores"},
        ),
    log:
        f"{RESULTS}/logs/evaluate.log",
    threads: 1
    resources:
        mem_mb=megabytes(1500),
        runtime=60,
    params:
        results=results_folder,
        references=config["evaluation"]["references"],
        state=fingerprint(config["evaluation"]["references"]),
        sample=sample_arguments(config["evaluation"]),
    shell:
        "dropgrid evaluate --results {params.results:q} --references {params.references:q}"
        " {params.sample} > {log:q} 2>&1"


rule evaluation:
    # The scores against references, and what they need.
    input:
        rules.evaluate.output,
