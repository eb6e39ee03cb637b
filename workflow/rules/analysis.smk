# Analysis: the networks, the target for the records of all tracks, and, for large libraries and
# clusters, the job that runs the stages of many tracks (docs/cluster.md).


rule network:
    # madmom's trained networks, read once from its installed package.
    input:
        options=PLAN.options("networks"),
    output:
        beats=f"{RESULTS}/network.npz",
        key=f"{RESULTS}/key.npz",
    log:
        f"{RESULTS}/logs/network.log",
    localrule: True
    conda:
        "../envs/dropgrid.yaml"
    threads: 1
    resources:
        python=PYTHON,
        mem_mb=megabytes(600),
        runtime=5,
    params:
        method=constant(config["bpm"]["method"]),
        key_method=config["key"]["method"],
    shell:
        "exec {resources.python:q} -P -m dropgrid network {output.beats:q} {output.key:q} --method {params.method:q}"
        " --key-method {params.key_method} > {log:q} 2>&1"


rule batch:
    # Some of the tracks of this run, one after another; each has its own log in logs/tracks.
    input:
        networks=rules.network.output,
        manifest=lambda wildcards: PLAN.batch(wildcards.batch),
    output:
        touch(f"{RESULTS}/batches/{{batch}}.done"),
    log:
        f"{RESULTS}/logs/batches/{{batch}}.log",
    retries: RETRIES
    conda:
        "../envs/dropgrid.yaml"
    threads: lambda wildcards: batch(wildcards).threads
    resources:
        python=PYTHON,
        workers=lambda wildcards, threads: threads,
        attempt=attempt,
        mem_mb=megabytes(batch_mb, BATCH_MB + LAST_MB),
        runtime=batch_minutes,
    params:
        analyses=config["analyses"],
        features="" if config["keep_features"] else "--drop-features",
    shell:
        "exec {resources.python:q} -P -m dropgrid batch {input.manifest:q} --analyses {params.analyses}"
        " {params.features} --threads {threads}"
        " --memory-mb $(( {resources.mem_mb} - %d ))"
        " --time-limit $(( {resources.runtime} < 30 ? {resources.runtime} * 60 - 20 : 1780 ))"
        " --attempt {resources.attempt} --attempts %d > {log:q} 2>&1"
        % (BATCH_MB, TRIES)


rule analysis:
    # Only the records of every track.
    input:
        records,
