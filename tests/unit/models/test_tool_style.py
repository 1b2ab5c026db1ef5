import pytest

from tunery.models.chat_template import ChatTemplate
from tunery.testing.tiny_models import CHAT_TEMPLATE, tiny_tokenizer
from tunery.testing.tool_templates import LLAMA, MISTRAL, QWEN


def style_of(source):
    tokenizer = tiny_tokenizer()
    tokenizer.chat_template = source
    return ChatTemplate(tokenizer, [1]).tool_style


def test_a_template_that_writes_all_does():
    style = style_of(QWEN)
    assert (style.native, style.arguments, style.several, style.short_ids) == (
        True, "object", True, False,
    )  # fmt: skip
    assert style.reason == (
        "Tools are written by the model's own chat template, which has a form for tools, calls "
        "and results."
    )


def test_one_call_a_turn_is_found():
    style = style_of(LLAMA)
    assert (style.native, style.several) == (True, False)
    assert style.reason.endswith("(one call a turn).")


def test_arguments_as_text_and_short_ids_are_found():
    style = style_of(MISTRAL)
    assert (style.native, style.arguments, style.short_ids, style.several) == (
        True, "text", True, True,
    )  # fmt: skip
    assert style.reason.endswith("(arguments as text, ids of calls renamed).")


@pytest.mark.parametrize(
    ("source", "why"),
    [
        (CHAT_TEMPLATE, "does not write tools."),
        ("{{ tools | tojson if tools else '' }}" + CHAT_TEMPLATE, "but not the calls"),
        # The word alone proves nothing.
        ("{% if tools %}{% endif %}" + CHAT_TEMPLATE, "does not write tools."),
        # Python's own form of a mapping is no JSON; and text within JSON is not an object.
        (CHAT_TEMPLATE.replace("+ message['content']", "~ message['content'] ~ tools"), "tools"),
    ],
)
def test_other_templates_get_tools_as_text(source, why):
    style = style_of(source)
    assert not style.native
    assert style.system
    assert style.reason.startswith("Tools are written as text")
    assert why in style.reason


def test_a_template_that_refuses_a_system_turn_is_found():
    style = style_of(
        "{% if messages[0].role == 'system' %}{{ raise_exception('no') }}{% endif %}"
        + CHAT_TEMPLATE
    )
    assert (style.native, style.system) == (False, False)
