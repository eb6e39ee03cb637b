# Rhythm: tempo, beats, downbeats and tempo grid from the features.


rule bpm:
    input:
        ticket=RESULTS + "/tracks/{track}.json",
        features=rules.features.output,
    output:
        RESULTS + "/bpm/{track}.json",
    log:
        RESULTS + "/logs/bpm/{track}.log",
    retries: TRIES - 1
    threads: 1
    resources:
        workers=1,
        attempt=attempt,
        mem_mb=megabytes(300),
        runtime=5,
    params:
        seconds=seconds,
        options=options({**config["bpm"], "ignore_metadata": config["ignore_metadata"]}),
    shell:
        "{DROPGRID} bpm {input.ticket:q} {input.features:q} {output:q}"
        " --options {params.options:q}" + SUPERVISED
