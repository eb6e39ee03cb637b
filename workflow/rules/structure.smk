# Structure: sections and drops from the features and the bar grid.


rule structure:
    input:
        ticket=ticket,
        features=rules.features.output,
        bpm=rules.bpm.output,
    output:
        f"{RESULTS}/structure/{{track}}.json",
    log:
        f"{RESULTS}/logs/structure/{{track}}.log",
    retries: RETRIES
    threads: 1
    resources:
        workers=1,
        attempt=attempt,
        mem_mb=megabytes(later_mb, LAST_MB),
        runtime=5,
    params:
        options=options(STAGE_OPTIONS["structure"]),
    shell:
        "dropgrid structure {input.ticket:q} {input.features:q} {input.bpm:q} {output:q}"
        f" --options {{params.options:q}} {SUPERVISED}"
