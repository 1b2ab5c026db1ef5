import pytest

from tunery.data.conversation import Conversation, Message
from tunery.errors import UserError
from tunery.models.load import open_model
from tunery.models.open_template import open_template
from tunery.testing.tiny_models import save_tiny_model


def test_the_template_is_that_of_the_model(tmp_path):
    folder = save_tiny_model(tmp_path)
    template, context = open_template(folder)
    row = Conversation((Message("user", "Q"), Message("assistant", "A")))
    model = open_model("tiny", folder, attention="eager")
    assert template.row(row) == model.template.row(row)
    assert context == model.context == 512


def test_a_folder_without_a_tokenizer_is_refused(tmp_path):
    with pytest.raises(UserError, match="has no tokenizer that can be loaded"):
        open_template(tmp_path)
