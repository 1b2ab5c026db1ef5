"""Chat templates of the shapes that families give their tools, as small as they can be."""

QWEN = """
{%- if tools %}
{{- '<|im_start|>system\n' }}
{%- if messages[0].role == 'system' %}{{- messages[0].content + '\n\n' }}{%- endif %}
{{- '# Tools\n<tools>' }}
{%- for tool in tools %}{{- '\n' }}{{- tool | tojson }}{%- endfor %}
{{- '\n</tools><|im_end|>\n' }}
{%- elif messages[0].role == 'system' %}
{{- '<|im_start|>system\n' + messages[0].content + '<|im_end|>\n' }}
{%- endif %}
{%- for message in messages %}
{%- if message.role == 'user' or (message.role == 'system' and not loop.first) %}
{{- '<|im_start|>' + message.role + '\n' + message.content + '<|im_end|>\n' }}
{%- elif message.role == 'assistant' %}
{{- '<|im_start|>assistant\n' + message.content }}
{%- for call in message.tool_calls or [] %}
{%- if not loop.first or message.content %}{{- '\n' }}{%- endif %}
{{- '<tool_call>\n{"name": "' + call.function.name + '", "arguments": ' }}
{{- call.function.arguments | tojson }}{{- '}\n</tool_call>' }}
{%- endfor %}
{{- '<|im_end|>\n' }}
{%- elif message.role == 'tool' %}
{%- if loop.first or messages[loop.index0 - 1].role != 'tool' %}
{{- '<|im_start|>user' }}
{%- endif %}
{{- '\n<tool_response>\n' + message.content + '\n</tool_response>' }}
{%- if loop.last or messages[loop.index0 + 1].role != 'tool' %}{{- '<|im_end|>\n' }}{%- endif %}
{%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}{{- '<|im_start|>assistant\n' }}{%- endif %}
"""
"""Tools in the system turn, several calls, text beside calls, results in a user turn."""

LLAMA = """
{%- for message in messages %}
{%- if message.tool_calls %}
{%- if message.tool_calls | length != 1 %}
{{- raise_exception('only single tool-calls at once') }}
{%- endif %}
{%- set call = message.tool_calls[0].function %}
{{- '<|im_start|>assistant\n\n{"name": "' + call.name + '", "parameters": ' }}
{{- call.arguments | tojson }}{{- '}<|im_end|>' }}
{%- elif message.role == 'tool' %}
{{- '<|im_start|>ipython\n\n' + (message.content | tojson) + '<|im_end|>' }}
{%- else %}
{{- '<|im_start|>' + message.role + '\n\n' }}
{%- if tools and message.role == 'user' and (loop.first or loop.index0 == 1) %}
{%- for tool in tools %}{{- tool | tojson(indent=4) }}{{- '\n\n' }}{%- endfor %}
{%- endif %}
{{- message.content | trim + '<|im_end|>' }}
{%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}{{- '<|im_start|>assistant\n\n' }}{%- endif %}
"""
"""Tools in the first user turn, one call a turn, no text beside it, results as JSON texts."""

MISTRAL = """
{%- if tools %}{{- '[TOOLS]' + (tools | tojson) }}{%- endif %}
{%- for message in messages %}
{%- if message.role == 'assistant' and message.tool_calls %}
{%- for call in message.tool_calls %}
{%- if call.id | length != 9 %}{{- raise_exception('ids have nine letters') }}{%- endif %}
{{- '[CALL]' + call.function.name + '[ID]' + call.id + '[ARGS]' + call.function.arguments }}
{%- endfor %}
{{- '<|im_end|>' }}
{%- elif message.role == 'tool' %}
{{- '[RESULT]' + message.tool_call_id + '[CONTENT]' + message.content }}
{%- else %}
{%- if message.role != 'assistant' %}{{- '<|im_start|>' }}{%- endif %}
{{- message.content }}
{%- if message.role == 'assistant' %}{{- '<|im_end|>' }}{%- endif %}
{%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}{{- '' }}{%- endif %}
"""
"""Arguments as text, ids of nine letters, nothing that asks for an answer."""
