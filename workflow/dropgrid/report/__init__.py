"""The report page: results/report/index.html, one file that opens from the file system.

`collect` reads the records, `encode` makes them small, `page` joins template, styles, scripts
and data. The page asks nothing of the network; its scripts are in static/, one per concern.
"""
