"""`python -m dropgrid`: the same as the `dropgrid` command."""

from .cli import main

raise SystemExit(main())
