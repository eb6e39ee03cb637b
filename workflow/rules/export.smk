# Exports: one target for each format that `dropgrid export --list` names (export_rekordbox and so
# on), made only on request; the target `exports` makes all of them.
from dropgrid.export import formats, target
from dropgrid.export.options import ExportOptions
from dropgrid.settings.options import build_options

try:
    EXPORT_OPTIONS = build_options(ExportOptions, config["export"], "export")
except DropgridError as error:
    stop(error)
EXPORTS = {name: target(name, EXPORT_OPTIONS) for name in formats()}

for export_format, (export_name, export_arguments) in EXPORTS.items():

    rule:
        name:
            f"export_{export_format.replace('-', '_')}"
        input:
            records=records,
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
            options=constant(export_arguments),
        shell:
            "exec {resources.python:q} -P -m dropgrid export {params.format} --results {params.results:q} --output {output:q}"
            " {params.options} > {log:q} 2>&1"


rule exports:
    # Every export that this installation can make, except those that have to be named.
    input:
        [
            f"{RESULTS}/exports/{name}"
            for kind, (name, _) in EXPORTS.items()
            if (kind != "parquet" or has_parquet())
            and not getattr(formats()[kind], "ALONE", False)
        ],
