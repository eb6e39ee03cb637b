# dropgrid: exact beat grids and drop maps for folders of electronic dance music.
# The whole workflow, with what can be asked of it, is in workflow/Snakefile.
include: "workflow/Snakefile"


if (
    workflow.modifier.is_main_snakefile()
):  # a module leaves its parent the default target
    workflow.default_target = "all"  # which an include does not take over
