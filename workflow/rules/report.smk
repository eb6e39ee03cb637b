# The page people open.


localrules:
    page,


rule page:
    input:
        records=rules.analysis.input,
        table=rules.table.output,
        evaluation=rules.evaluate.output,
    output:
        RESULTS + "/report/index.html",
    log:
        RESULTS + "/logs/report.log",
    resources:
        mem_mb=1500,
        runtime=30,
    params:
        references=config["evaluation"]["references"],
    shell:
        "{DROPGRID} report --results {RESULTS:q} --references {params.references:q}"
        " > {log:q} 2>&1"


rule report:
    # The page, and what it needs.
    input:
        rules.page.output,
