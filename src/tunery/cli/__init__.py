"""The terminal door: one file a command, each parses, makes one call and shows the result.

Entry points: `main.run`, which the `tunery` command calls; `main.app`, for tests; and
`reference.render`, which writes the documentation page from the commands' help.

    $ tunery models list --json

Modules here name only Typer at their top: what a command needs is imported in its body, so that
`tunery --help` answers at once.
"""
