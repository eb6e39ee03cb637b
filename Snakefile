# dropgrid: exact beat grids and drop maps for folders of electronic dance music.
#
#   snakemake --cores 4 --config library=~/Music          everything
#   snakemake --cores 4 analysis                          the records of every track
#   snakemake --cores 4 evaluation                        the scores against references
#   snakemake --cores 4 report                            the page people open
#
# Options: config/README.md. What a rule does is one sub-command of `dropgrid`.
from pathlib import Path

from snakemake.utils import min_version

min_version("9.8")


if Path("config/config.yaml").exists():

    configfile: "config/config.yaml"


report: "workflow/report/workflow.rst"


include: "workflow/rules/common.smk"
include: "workflow/rules/features.smk"
include: "workflow/rules/bpm.smk"
include: "workflow/rules/structure.smk"
include: "workflow/rules/key.smk"
include: "workflow/rules/batch.smk"
include: "workflow/rules/library.smk"
include: "workflow/rules/evaluation.smk"
include: "workflow/rules/report.smk"
include: "workflow/rules/export.smk"


rule all:
    default_target: True
    input:
        rules.analysis.input,
        rules.table.output,
        rules.evaluation.input,
        rules.report.input,
        rules.check.output if config["failures_are_fatal"] else [],


onstart:
    start_run()


onsuccess:
    say_summary(ok=True)


onerror:
    say_summary(ok=False)
