# Evaluation: the records against references, with baselines and intervals.


from dropgrid.library import fingerprint

SCORED = config["evaluation"]


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
    localrule: True
    conda:
        "../envs/dropgrid.yaml"
    threads: 1
    resources:
        python=PYTHON,
        mem_mb=megabytes(1500),
        runtime=60,
    params:
        results=results_folder,
        references=config["evaluation"]["references"],
        state=fingerprint(config["evaluation"]["references"]),
        sample=(
            "--sample-size {sample_size} --sample-seed {sample_seed}".format(**SCORED)
            if SCORED["sample_size"]
            else ""
        ),
        version=VERSION,
    shell:
        "{resources.python:q} -P -m dropgrid evaluate --results {params.results:q} --references {params.references:q}"
        " {params.sample} > {log:q} 2>&1"


rule evaluation:
    # The scores against references, and what they need.
    input:
        rules.evaluate.output,
