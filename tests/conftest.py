"""What holds for all tests."""

import hypothesis

# A busy machine makes an example slow, not wrong.
hypothesis.settings.register_profile("tunery", deadline=None)
hypothesis.settings.load_profile("tunery")
