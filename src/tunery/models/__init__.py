"""Models: what is known about them, where they come from, and how they are opened.

Entry points: `catalog.find` (facts about a name), `sources.fetch` (a name to a folder with its
files), `load.open_model` (a folder to a model in memory), `adapters` (LoRA weights in PEFT's
format), `chat_template` (conversations to tokens), `footprint` (memory per method).

    files = fetch("smollm2-135m-instruct", settings.home, offline=settings.offline, log=print)
    model = open_model(files.name, files.folder, attention="tunery_forest")
"""
