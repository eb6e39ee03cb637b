# Exports, each a target of its own that nothing else asks for: export_rekordbox, export_jams,
# export_beats, export_lab, export_audacity, export_sonic_visualiser, export_m3u8, export_csv,
# export_parquet; all of them: exports. A format of several files makes a folder.
from dropgrid.export import FORMATS, ExportOptions
from dropgrid.settings.options import build_options

EXPORT_OPTIONS = build_options(ExportOptions, config["export"], "export")
EXPORTS = {name: EXPORT_OPTIONS.target(name) for name in FORMATS}

for export_format, (export_name, export_arguments) in EXPORTS.items():

    rule:
        name:
            f"export_{export_format.replace('-', '_')}"
        input:
            records=rules.analysis.input,
            table=rules.table.output,
        output:
            f"{RESULTS}/exports/{export_name}"
            if "." in export_name
            else directory(f"{RESULTS}/exports/{export_name}"),
        log:
            f"{RESULTS}/logs/export-{export_format}.log",
        localrule: True
        conda:
            "../envs/dropgrid.yaml"
        resources:
            python=PYTHON,
            mem_mb=megabytes(1500),
            runtime=30,
        params:
            results=results_folder,
            format=export_format,
            options=export_arguments,
        shell:
            "{resources.python:q} -P -m dropgrid export {params.format} --results {params.results:q} --output {output:q}"
            " {params.options} > {log:q} 2>&1"


rule exports:
    # Every export that this installation can make.
    input:
        [
            f"{RESULTS}/exports/{name}"
            for kind, (name, _) in EXPORTS.items()
            if kind != "parquet" or has_parquet()
        ],
