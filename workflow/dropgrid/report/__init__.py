"""The report page: results/report/index.html, one file that opens from the file system.

`collect` reads the records, `encode` makes them small, `page` joins template, styles, scripts
(`bundle`) and data. The page asks nothing of the network. Its scripts are ES modules in static/:
`page_main.js` is the entry point of the page in a file, `served_main.js` of the page that
`dropgrid open` serves.
"""
