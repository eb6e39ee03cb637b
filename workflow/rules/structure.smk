# Structure: sections and drops from the features and the bar grid.


rule structure:
    input:
        ticket=RESULTS + "/tracks/{track}.json",
        features=rules.features.output,
        bpm=rules.bpm.output,
    output:
        RESULTS + "/structure/{track}.json",
    log:
        RESULTS + "/logs/structure/{track}.log",
    retries: TRIES - 1
    threads: 1
    resources:
        workers=1,
        attempt=attempt,
        mem_mb=megabytes(300),
        runtime=5,
    params:
        seconds=seconds,
        options=options(config["structure"]),
    shell:
        "{DROPGRID} structure {input.ticket:q} {input.features:q} {input.bpm:q} {output:q}"
        " --options {params.options:q}" + SUPERVISED


rule analysis:
    # The records of every track, nothing more.
    input:
        expand(
            RESULTS + "/{analysis}/{track}.json",
            analysis=config["analyses"],
            track=TRACKS,
        ),
