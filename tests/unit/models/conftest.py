import json

import numpy as np
import pytest
from safetensors.numpy import save_file


@pytest.fixture
def write_model():
    """Writes a folder that passes for a whole model: right files and lengths, no sense."""
    return _write_model


def _write_model(folder, *, config=None, shards=1):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps({"model_type": "llama", **(config or {})}))
    (folder / "tokenizer.json").write_text("{}")
    weights = {f"w{i}": np.full(4, i, dtype=np.float32) for i in range(shards)}
    if shards == 1:
        save_file(weights, folder / "model.safetensors")
        return folder
    names = {}
    for i, (key, value) in enumerate(weights.items(), start=1):
        names[key] = f"model-{i:05}-of-{shards:05}.safetensors"
        save_file({key: value}, folder / names[key])
    index = {"metadata": {}, "weight_map": names}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    return folder
