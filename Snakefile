# dropgrid: exact beat grids and drop maps for folders of electronic dance music.
# The whole workflow, with what can be asked of it, is in workflow/Snakefile.
include: "workflow/Snakefile"


workflow.default_target = "all"  # an include does not take over the default target
