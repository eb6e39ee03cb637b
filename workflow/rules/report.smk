# The HTML page of the library.


rule page:
    input:
        records=records,
        table=rules.table.output,
        duplicates=rules.duplicates.output,
        evaluation=rules.evaluate.output,
    output:
        report(
            f"{RESULTS}/report/index.html",
            category="Library",
            caption="../report/page.rst",
            labels={"page": "Browse and listen"},
        ),
    log:
        f"{RESULTS}/logs/report.log",
    localrule: True
    conda:
        "../envs/dropgrid.yaml"
    resources:
        python=PYTHON,
        mem_mb=megabytes(1500),
        runtime=30,
    params:
        results=results_folder,
        references=config["evaluation"]["references"],
        version=VERSION,
    shell:
        "exec {resources.python:q} -P -m dropgrid report --results {params.results:q} --references {params.references:q}"
        " > {log:q} 2>&1"


rule report:
    # The page.
    input:
        rules.page.output,
