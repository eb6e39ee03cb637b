# Evaluation: the records against references, with baselines and intervals.


localrules:
    evaluate,


rule evaluate:
    input:
        records=rules.analysis.input,
        scan=RESULTS + "/scan.json",
    output:
        bpm=RESULTS + "/evaluation/bpm.json",
        beats=RESULTS + "/evaluation/beats.json",
        structure=RESULTS + "/evaluation/structure.json",
        summary=report(
            RESULTS + "/evaluation/summary.md",
            category="Evaluation",
            caption="../report/evaluation.rst",
            labels={"table": "All scores"},
        ),
    log:
        RESULTS + "/logs/evaluate.log",
    threads: 1
    resources:
        mem_mb=1500,
        runtime=60,
    params:
        references=config["evaluation"]["references"],
        state=fingerprint(config["evaluation"]["references"]),
        sample=sample_arguments(config["evaluation"]),
    shell:
        "{DROPGRID} evaluate --results {RESULTS:q} --references {params.references:q}"
        " {params.sample} > {log:q} 2>&1"


rule evaluation:
    # The scores against references, and what they need.
    input:
        rules.evaluate.output,
