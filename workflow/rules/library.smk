# The library table, the list of failures, and duplicate tracks.
from dropgrid.results.table import has_parquet


rule table:
    input:
        records=records,
        scan=scanned,
    output:
        table=report(
            f"{RESULTS}/library.csv",
            category="Library",
            caption="../report/library.rst",
            labels={"table": "All tracks"},
        ),
        parquet=f"{RESULTS}/library.parquet" if has_parquet() else [],
        failures=report(
            f"{RESULTS}/failures.csv",
            category="Library",
            caption="../report/failures.rst",
            labels={"table": "Failed tracks"},
        ),
    log:
        f"{RESULTS}/logs/table.log",
    localrule: True
    conda:
        "../envs/dropgrid.yaml"
    resources:
        python=PYTHON,
        mem_mb=megabytes(1500),
        runtime=10,
    params:
        results=results_folder,
        analyses=config["analyses"],
        version=VERSION,
    shell:
        "exec {resources.python:q} -P -m dropgrid table {params.results:q} --analyses {params.analyses:q} > {log:q} 2>&1"


rule duplicates:
    # Songs that are in the library more than once.
    input:
        rules.table.output.table,
    output:
        report(
            f"{RESULTS}/duplicates.csv",
            category="Library",
            caption="../report/duplicates.rst",
            labels={"table": "Duplicate tracks"},
        ),
    log:
        f"{RESULTS}/logs/duplicates.log",
    localrule: True
    conda:
        "../envs/dropgrid.yaml"
    resources:
        python=PYTHON,
        mem_mb=megabytes(1500),
        runtime=30,
    params:
        results=results_folder,
        version=VERSION,
    shell:
        "exec {resources.python:q} -P -m dropgrid duplicates --results {params.results:q} > {log:q} 2>&1"


rule check:
    # Ends the run with an error if a track failed; only if failures_are_fatal is set.
    input:
        rules.table.output.failures,
    output:
        touch(f"{RESULTS}/all-tracks-ok"),
    log:
        f"{RESULTS}/logs/check.log",
    localrule: True
    conda:
        "../envs/dropgrid.yaml"
    resources:
        python=PYTHON,
        mem_mb=megabytes(300),
        runtime=5,
    shell:
        "exec {resources.python:q} -P -m dropgrid check {input:q} > {log:q} 2>&1"
