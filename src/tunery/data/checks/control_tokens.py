"""The control tokens of the known model families, as texts."""

from __future__ import annotations

import re

# ChatML and Qwen; GPT; Llama 3; Phi and Zephyr; Command R.
_BARRED = (
    "im_start|im_end|im_sep|endoftext|endofprompt|fim_prefix|fim_middle|fim_suffix|fim_pad"
    "|vision_start|vision_end|begin_of_text|end_of_text|start_header_id|end_header_id|eot_id"
    "|eom_id|python_tag|finetune_right_pad_id|system|user|assistant|end|start|message|channel"
    "|return|call|observation|pad|START_OF_TURN_TOKEN|END_OF_TURN_TOKEN|CHATBOT_TOKEN"
    "|USER_TOKEN|SYSTEM_TOKEN"
)
CONTROL_TOKEN = re.compile(
    rf"<\|(?:{_BARRED})\|>"
    # Llama 2, Mistral, Gemma, T5
    r"|</?s>|<start_of_turn>|<end_of_turn>|<bos>|<eos>|<pad>|<unk>|<</?SYS>>"
    r"|\[/?(?:INST|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_RESULTS|TOOL_CALLS|gMASK)\]"
    "|<\uff5c[\\w\u2581]{1,40}\uff5c>"  # DeepSeek writes them with wide bars
)
