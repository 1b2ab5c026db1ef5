"""Checking and profiling a data file beside the tokenizer alone and the loop of OpenAI's notebook.

Run `python -m benchmarks.data_check --help`.
"""
