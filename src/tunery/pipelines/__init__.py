"""What a run does, stage by stage: each file has one `run`, which only calls and orders.

Entry points: `finetune.run` (data to report), `evaluate.run` (a tuned model on other rows).

    result = finetune.run(config, home, offline=False, resume=False, listener=Listener())
"""
