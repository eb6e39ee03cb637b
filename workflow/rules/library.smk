# The library table, and the list of what failed.


localrules:
    table,
    check,


rule table:
    input:
        records=rules.analysis.input,
        scan=RESULTS + "/scan.json",
    output:
        table=report(
            RESULTS + "/library.csv",
            category="Library",
            caption="../report/library.rst",
            labels={"table": "All tracks"},
        ),
        parquet=RESULTS + "/library.parquet",
        failures=report(
            RESULTS + "/failures.csv",
            category="Library",
            caption="../report/failures.rst",
            labels={"table": "Failed tracks"},
        ),
    log:
        RESULTS + "/logs/table.log",
    resources:
        mem_mb=1500,
        runtime=10,
    params:
        analyses=config["analyses"],
    shell:
        "{DROPGRID} table {RESULTS:q} --analyses {params.analyses:q} > {log:q} 2>&1"


rule check:
    # Ends the run with an error if a track failed; only where failures_are_fatal is set.
    input:
        rules.table.output.failures,
    output:
        touch(RESULTS + "/all-tracks-ok"),
    log:
        RESULTS + "/logs/check.log",
    resources:
        mem_mb=300,
        runtime=5,
    shell:
        "{DROPGRID} check {input:q} > {log:q} 2>&1"
