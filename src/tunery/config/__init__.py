"""Every YAML key and environment setting, each described once.

Entry points: `load.load_run` (YAML and `--set` to a `RunConfig`), `settings.Settings`
(environment). A key's docstring is its description everywhere: help, docs and forms.

    config = load_run(Path("config.yaml"), overrides=["train.epochs=2"])
"""
