"""Tunery: your own fine-tuning service.

Decide, prepare, train, prove and serve, on your own machine. The doors are the command line
(`tunery.cli`) and the HTTP API (`tunery.api`); both receive one `tunery.workspace.Workspace`.

    $ tunery quickstart
"""
