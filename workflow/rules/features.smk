# Features: the only stage that reads audio, and the only expensive one.


rule network:
    # madmom's trained networks, read once from its installed package.
    output:
        beats=f"{RESULTS}/network.onnx",
        key=f"{RESULTS}/key.onnx",
    log:
        f"{RESULTS}/logs/network.log",
    localrule: True
    threads: 1
    resources:
        mem_mb=megabytes(600),
        runtime=5,
    params:
        method=config["bpm"]["method"],
        key_method=config["key"]["method"],
    shell:
        "dropgrid network {output.beats:q} {output.key:q} --method {params.method}"
        " --key-method {params.key_method} > {log:q} 2>&1"


FEATURES = f"{RESULTS}/features/{{track}}.npz"


rule features:
    input:
        ticket=ticket,
        network=rules.network.output.beats,
        key_network=rules.network.output.key,
    output:
        FEATURES if config["keep_features"] else temp(FEATURES),
    log:
        f"{RESULTS}/logs/features/{{track}}.log",
    retries: RETRIES
    threads: 1
    resources:
        workers=1,
        attempt=attempt,
        mem_mb=megabytes(features_mb, LAST_MB),
        runtime=30,
    params:
        options=options(STAGE_OPTIONS["features"]),
    shell:
        "dropgrid features {input.ticket:q} {input.network:q} {output:q}"
        " --key-network {input.key_network:q} --options {params.options:q}"
        f" {SUPERVISED}"
