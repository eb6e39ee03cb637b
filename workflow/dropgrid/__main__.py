"""`python -m dropgrid`: the same as the `dropgrid` command."""

from .commands.main import main

raise SystemExit(main())
