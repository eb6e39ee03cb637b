# Rhythm: tempo, beats, downbeats and tempo grid from the features.


rule bpm:
    input:
        ticket=ticket,
        features=rules.features.output,
        correction=correction,
    output:
        f"{RESULTS}/bpm/{{track}}.json",
    log:
        f"{RESULTS}/logs/bpm/{{track}}.log",
    retries: RETRIES
    conda:
        "../envs/dropgrid.yaml"
    threads: 1
    resources:
        python=PYTHON,
        workers=1,
        attempt=attempt,
        mem_mb=megabytes(later_mb, LAST_MB),
        runtime=5,
    params:
        options=options(STAGE_OPTIONS["bpm"]),
        corrections=corrections_folder,
    shell:
        "{resources.python:q} -P -m dropgrid bpm {input.ticket:q} {input.features:q} {output:q}"
        f" --options {{params.options:q}} --corrections {{params.corrections:q}}"
        f" {SUPERVISED}"
