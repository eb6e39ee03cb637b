# Key: the tonality from the features.


rule key:
    input:
        ticket=ticket,
        features=rules.features.output,
    output:
        f"{RESULTS}/key/{{track}}.json",
    log:
        f"{RESULTS}/logs/key/{{track}}.log",
    retries: RETRIES
    threads: 1
    resources:
        workers=1,
        attempt=attempt,
        mem_mb=megabytes(later_mb, LAST_MB),
        runtime=5,
    params:
        options=options(STAGE_OPTIONS["key"]),
    shell:
        "dropgrid key {input.ticket:q} {input.features:q} {output:q}"
        f" --options {{params.options:q}} {SUPERVISED}"


rule analysis:
    # The records of every track, nothing more.
    input:
        RECORDS,
