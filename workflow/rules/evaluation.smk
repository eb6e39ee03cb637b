# Evaluation: compares the records with references, with baselines and intervals.


from dropgrid.library import files_digest

SCORED = config["evaluation"]
# References and the results of other systems are not inputs, because they may be folders and have
# any name. A digest of their files' sizes and times is a parameter, so a change has an effect.
SOURCES = [*SCORED["references"], *SCORED["estimates"].values()]
ESTIMATES = [f"{name}={path}" for name, path in SCORED["estimates"].items()]


rule evaluate:
    input:
        records=records,
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
        references=lambda wildcards: SCORED["references"],
        estimates=lambda wildcards: ESTIMATES,
        state=files_digest(SOURCES),
        sample=(
            "--sample-size {sample_size} --sample-seed {sample_seed}".format(**SCORED)
            if SCORED["sample_size"]
            else ""
        ),
        version=VERSION,
    shell:
        "exec {resources.python:q} -P -m dropgrid evaluate --results {params.results:q} --references {params.references:q}"
        " --estimates {params.estimates:q} {params.sample} > {log:q} 2>&1"


rule evaluation:
    # The scores against references.
    input:
        rules.evaluate.output,
