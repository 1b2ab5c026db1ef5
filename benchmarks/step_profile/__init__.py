"""Where does the time of one optimizer step go, before and after?

Before: the plain computation, as transformers and PEFT make it: rows padded to one length, LoRA as
three products, logits for every token. After: Tunery's step over a prefix forest. Both run the same
rows on the same weights in one process, and torch's profiler counts the second step of each.

    $ python -m benchmarks.step_profile --data train.jsonl --batch 8 --plot step_profile.png
"""
