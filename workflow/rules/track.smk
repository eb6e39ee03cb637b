# The stages of a track, one job each: features, bpm, structure, key. For clusters, and for libraries
# with more tracks than `tracks_per_job: auto` plans one by one, the rule batch runs these stages.


rule features:
    # The only stage that reads audio, and the only expensive one.
    input:
        ticket=ticket,
        network=rules.network.output.beats,
        key_network=rules.network.output.key,
        options=PLAN.options("features"),
    output:
        f"{RESULTS}/features/{{track}}.npz"
        if config["keep_features"]
        else temp(f"{RESULTS}/features/{{track}}.npz"),
    log:
        f"{RESULTS}/logs/features/{{track}}.log",
    retries: RETRIES
    conda:
        "../envs/dropgrid.yaml"
    threads: features_threads
    resources:
        dropgrid=DROPGRID,
        workers=lambda wildcards, threads: threads,
        attempt=attempt,
        mem_mb=megabytes(features_mb, LAST_MB),
        runtime=30,
    params:
        options=options("features"),
    shell:
        "exec {resources.dropgrid} features {input.ticket:q} {input.network:q} {output:q}"
        " --key-network {input.key_network:q} --options {params.options:q} --threads {threads}"
        f" {SUPERVISED}"


rule bpm:
    # Tempo, beats, downbeats and tempo grid from the features.
    input:
        ticket=ticket,
        features=rules.features.output,
        corrections=correction,
        options=PLAN.options("bpm"),
    output:
        f"{RESULTS}/bpm/{{track}}.json",
    log:
        f"{RESULTS}/logs/bpm/{{track}}.log",
    priority: 1
    retries: RETRIES
    conda:
        "../envs/dropgrid.yaml"
    threads: 1
    resources:
        dropgrid=DROPGRID,
        workers=1,
        attempt=attempt,
        mem_mb=megabytes(later_mb, LAST_MB),
        runtime=5,
    params:
        options=options("bpm"),
        corrections=f"{RESULTS}/corrections",
    shell:
        "exec {resources.dropgrid} bpm {input.ticket:q} {input.features:q} {output:q}"
        f" --corrections {{params.corrections:q}} --options {{params.options:q}} {SUPERVISED}"


rule structure:
    # Sections and drops from the features and the bar grid.
    input:
        ticket=ticket,
        features=rules.features.output,
        bpm=rules.bpm.output,
        corrections=correction,
        options=PLAN.options("structure"),
    output:
        f"{RESULTS}/structure/{{track}}.json",
    log:
        f"{RESULTS}/logs/structure/{{track}}.log",
    priority: 1
    retries: RETRIES
    conda:
        "../envs/dropgrid.yaml"
    threads: 1
    resources:
        dropgrid=DROPGRID,
        workers=1,
        attempt=attempt,
        mem_mb=megabytes(later_mb, LAST_MB),
        runtime=5,
    params:
        options=options("structure"),
        corrections=f"{RESULTS}/corrections",
    shell:
        "exec {resources.dropgrid} structure {input.ticket:q} {input.features:q}"
        " {input.bpm:q} {output:q}"
        f" --corrections {{params.corrections:q}} --options {{params.options:q}} {SUPERVISED}"


rule key:
    # The tonality from the features.
    input:
        ticket=ticket,
        features=rules.features.output,
        corrections=correction,
        options=PLAN.options("key"),
    output:
        f"{RESULTS}/key/{{track}}.json",
    log:
        f"{RESULTS}/logs/key/{{track}}.log",
    priority: 1
    retries: RETRIES
    conda:
        "../envs/dropgrid.yaml"
    threads: 1
    resources:
        dropgrid=DROPGRID,
        workers=1,
        attempt=attempt,
        mem_mb=megabytes(later_mb, LAST_MB),
        runtime=5,
    params:
        options=options("key"),
        corrections=f"{RESULTS}/corrections",
    shell:
        "exec {resources.dropgrid} key {input.ticket:q} {input.features:q} {output:q}"
        f" --corrections {{params.corrections:q}} --options {{params.options:q}} {SUPERVISED}"
