"""Fakes that Tunery ships, for its own tests and for those of programs built on it.

Entry point: `scripted_engine.ScriptedEngine`, an engine whose answers are written in advance.
Product code imports nothing from here.

    engine = ScriptedEngine({"smollm2": lambda messages: "hello"})
    engine.generate("smollm2", [[Message("user", "hi")]], Sampling())[0].text  # "hello"
"""
