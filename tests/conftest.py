"""Settings that all tests share. That this file is here lets tests import their neighbours in tests/."""

import os

from hypothesis import settings

# No deadline: the machine's load is no property of the code. CI draws the same
# examples each time, so that a failure is a change's fault.
settings.register_profile("assay", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "assay")
