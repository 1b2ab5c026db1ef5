"""The training loop and its methods.

Entry points: `run.train` (the story of one training), `plan.make_plan` (what it will cost).
Nothing here knows files of data, jobs or HTTP: it takes values and calls `on_event`.

    result = train(model, rows, validation, method, settings, folder, on_event)
"""
