# Batches: all stages of many tracks as one job, where the library is large or jobs are dear.


rule batch:
    input:
        manifest=lambda wildcards: PLAN.batch(wildcards.batch),
        needs=lambda wildcards: PLAN.batch_needs(wildcards.batch, rules.network.output),
    output:
        touch(f"{RESULTS}/batches/{{batch}}.done"),
    log:
        f"{RESULTS}/logs/batches/{{batch}}.log",
    retries: RETRIES
    threads: 1
    resources:
        workers=1,
        attempt=attempt,
        mem_mb=megabytes(batch_mb, BATCH_MB + LAST_MB),
        runtime=lambda wildcards, attempt: 120 * attempt,
    params:
        network=rules.network.output.beats,
        key_network=rules.network.output.key,
        options=options(STAGE_OPTIONS),
        analyses=config["analyses"],
        features="" if config["keep_features"] else "--drop-features",
    shell:
        "dropgrid batch {input.manifest:q} {params.network:q} --key-network {params.key_network:q} --options {params.options:q}"
        " --analyses {params.analyses} {params.features}"
        " --memory-mb $(( {resources.mem_mb} - %d )) --time-limit 1780"
        " --attempt {resources.attempt} --attempts %d > {log:q} 2>&1"
        % (BATCH_MB, TRIES)
