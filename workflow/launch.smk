# The workflow for `dropgrid run`, which can start in any folder. A config/config.yaml there may
# belong to another workflow, so it is not read.
LAUNCHED = True


include: "Snakefile"


workflow.default_target = "all"  # an include does not take over the default target
