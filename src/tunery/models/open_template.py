"""A folder of model files to its chat template alone: no weight is read."""

from __future__ import annotations

from pathlib import Path

from transformers import AutoConfig, AutoTokenizer

from tunery.errors import UserError
from tunery.models.chat_template import ChatTemplate
from tunery.models.load import context_of, end_ids


def open_template(folder: Path) -> tuple[ChatTemplate, int]:
    """The model's template, and its longest row in tokens; code in the folder is never run.

    Raises:
        UserError: The folder holds no tokenizer that can be loaded, or one without a template.
    """
    try:
        tokenizer = AutoTokenizer.from_pretrained(
            folder, trust_remote_code=False, local_files_only=True
        )
        config = AutoConfig.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
    except (OSError, ValueError, KeyError, ImportError) as error:
        raise UserError(
            f"{folder} has no tokenizer that can be loaded: {error}",
            "Fetch the model again, or choose another: `tunery models list`.",
        ) from error
    return ChatTemplate(tokenizer, end_ids(folder, tokenizer)), context_of(config.get_text_config())
