"""What can stand behind `serve.engine.Engine`, one file an engine.

Entry point: `torch.TorchEngine`, on the prefix forest.
"""
