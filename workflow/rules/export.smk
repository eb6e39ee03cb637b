# Exports, each a target of its own that nothing else asks for: export_rekordbox, export_jams,
# export_beats, export_lab, export_audacity, export_sonic_visualiser, export_m3u8, export_csv,
# export_parquet; all of them: exports.


localrules:
    export_rekordbox,
    export_jams,
    export_beats,
    export_lab,
    export_audacity,
    export_sonic_visualiser,
    export_m3u8,
    export_csv,
    export_parquet,


RANGES = config["export"]["bpm_ranges"]
# Format -> what it makes in results/exports; a folder unless its name has a suffix.
EXPORTS = {
    "rekordbox": "rekordbox.xml",
    "jams": "jams",
    "beats": "beats",
    "lab": "lab",
    "audacity": "audacity",
    "sonic-visualiser": "sonic-visualiser",
    "m3u8": "playlists" if RANGES else "library.m3u8",
    "csv": "library.csv",
    "parquet": "library.parquet",
}


def export_arguments(name):
    """The options of config section export that matter to a format."""
    profile = config["export"]["delay_profile"]
    shifted = profile and name not in ("csv", "parquet")
    grouped = RANGES and name in ("rekordbox", "m3u8")
    return (f"--delay-profile {profile} " if shifted else "") + (
        f"--bpm-ranges {' '.join(map(str, RANGES))}" if grouped else ""
    )


for export_format, export_name in EXPORTS.items():
    export_path = f"{RESULTS}/exports/{export_name}"
    export_rule = f"export_{export_format.replace('-', '_')}"

    rule:
        name:
            export_rule
        input:
            records=rules.analysis.input,
            table=rules.table.output,
        output:
            export_path if Path(export_name).suffix else directory(export_path),
        log:
            f"{RESULTS}/logs/{export_rule}.log",
        resources:
            mem_mb=1500,
            runtime=30,
        params:
            format=export_format,
            options=export_arguments(export_format),
        shell:
            "{DROPGRID} export {params.format} --results {RESULTS:q} --output {output:q}"
            " {params.options} > {log:q} 2>&1"


rule exports:
    # Every export.
    input:
        [f"{RESULTS}/exports/{name}" for name in EXPORTS.values()],
