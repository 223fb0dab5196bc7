"""How to run the mathematics fast: engines that all agree with `assay.nn`."""

from assay.engines.choice import AUTO as AUTO
from assay.engines.choice import ENGINES as ENGINES
from assay.engines.choice import GPU as GPU
from assay.engines.choice import Choice as Choice
from assay.engines.choice import choose as choose
from assay.engines.choice import engine as engine
from assay.engines.choice import may_use_gpu as may_use_gpu
from assay.engines.choice import resume as resume
