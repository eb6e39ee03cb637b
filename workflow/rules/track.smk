# One track by itself, stage by stage: `snakemake results/bpm/TRACK.json`. Whole libraries go
# through the rule batch, which runs the same stages with fewer processes and to the same bytes.


rule features:
    # The only stage that reads audio, and the only expensive one.
    input:
        ticket=ticket,
        network=rules.network.output.beats,
        key_network=rules.network.output.key,
    output:
        f"{RESULTS}/features/{{track}}.npz",
    log:
        f"{RESULTS}/logs/features/{{track}}.log",
    retries: RETRIES
    conda:
        "../envs/dropgrid.yaml"
    threads: 1
    resources:
        python=PYTHON,
        workers=1,
        attempt=attempt,
        mem_mb=megabytes(features_mb, LAST_MB),
        runtime=30,
    params:
        options=options("features"),
    shell:
        "{resources.python:q} -P -m dropgrid features {input.ticket:q} {input.network:q} {output:q}"
        " --key-network {input.key_network:q} --options {params.options:q}"
        f" {SUPERVISED}"


rule bpm:
    # Tempo, beats, downbeats and tempo grid from the features.
    input:
        ticket=ticket,
        features=rules.features.output,
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
        options=options("bpm"),
        corrections=corrections_folder,
    shell:
        "{resources.python:q} -P -m dropgrid bpm {input.ticket:q} {input.features:q} {output:q}"
        f" --corrections {{params.corrections:q}} --options {{params.options:q}} {SUPERVISED}"


rule structure:
    # Sections and drops from the features and the bar grid.
    input:
        ticket=ticket,
        features=rules.features.output,
        bpm=rules.bpm.output,
    output:
        f"{RESULTS}/structure/{{track}}.json",
    log:
        f"{RESULTS}/logs/structure/{{track}}.log",
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
        options=options("structure"),
        corrections=corrections_folder,
    shell:
        "{resources.python:q} -P -m dropgrid structure {input.ticket:q} {input.features:q}"
        " {input.bpm:q} {output:q}"
        f" --corrections {{params.corrections:q}} --options {{params.options:q}} {SUPERVISED}"


rule key:
    # The tonality from the features.
    input:
        ticket=ticket,
        features=rules.features.output,
    output:
        f"{RESULTS}/key/{{track}}.json",
    log:
        f"{RESULTS}/logs/key/{{track}}.log",
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
        options=options("key"),
        corrections=corrections_folder,
    shell:
        "{resources.python:q} -P -m dropgrid key {input.ticket:q} {input.features:q} {output:q}"
        f" --corrections {{params.corrections:q}} --options {{params.options:q}} {SUPERVISED}"
