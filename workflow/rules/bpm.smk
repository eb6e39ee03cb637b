# Rhythm: tempo, beats, downbeats and tempo grid from the features.


rule bpm:
    input:
        ticket=ticket,
        features=rules.features.output,
    output:
        f"{RESULTS}/bpm/{{track}}.json",
    log:
        f"{RESULTS}/logs/bpm/{{track}}.log",
    retries: RETRIES
    threads: 1
    resources:
        workers=1,
        attempt=attempt,
        mem_mb=megabytes(later_mb, LAST_MB),
        runtime=5,
    params:
        options=options(STAGE_OPTIONS["bpm"]),
    shell:
        "dropgrid bpm {input.ticket:q} {input.features:q} {output:q}"
        f" --options {{params.options:q}} {SUPERVISED}"
