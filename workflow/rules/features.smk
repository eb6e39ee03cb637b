# Features: the only stage that reads audio, and the only expensive one.


localrules:
    network,


rule network:
    # madmom's trained networks, read once from its installed package.
    output:
        f"{RESULTS}/network.onnx",
    log:
        f"{RESULTS}/logs/network.log",
    threads: 1
    resources:
        mem_mb=megabytes(600),
        runtime=5,
    params:
        method=config["bpm"]["method"],
    shell:
        "dropgrid network {output:q} --method {params.method} > {log:q} 2>&1"


FEATURES = f"{RESULTS}/features/{{track}}.npz"


rule features:
    input:
        ticket=ticket,
        network=rules.network.output,
    output:
        FEATURES if config["keep_features"] else temp(FEATURES),
    log:
        f"{RESULTS}/logs/features/{{track}}.log",
    retries: RETRIES
    threads: 1
    resources:
        workers=1,
        attempt=attempt,
        mem_mb=megabytes(of_track(memory.megabytes), LAST_MB),
        runtime=30,
    shell:
        "dropgrid features {input.ticket:q} {input.network:q} {output:q}"
        f" {SUPERVISED}"
