# The workflow as `dropgrid run` starts it, from any folder: a config/config.yaml that happens to lie
# there is another workflow's, and is not read.
LAUNCHED = True


include: "Snakefile"


workflow.default_target = "all"  # an include does not take over the default target
