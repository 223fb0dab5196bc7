"""Learning rules: the formula of each, once.

A rule is a frozen dataclass. `Optimizer.update` takes one parameter, its
gradient and the rule's memory of it, and returns the new values of both; t
counts steps from 1. The reference engine calls it directly, and every other
engine is tested against it.
"""

from assay.optim.adagrad import Adagrad as Adagrad
from assay.optim.adagrad import RMSprop as RMSprop
from assay.optim.adam import Adam as Adam
from assay.optim.adam import AdamW as AdamW
from assay.optim.adamax import Adamax as Adamax
from assay.optim.base import Optimizer as Optimizer
from assay.optim.base import Slots as Slots
from assay.optim.nadam import NAdam as NAdam
from assay.optim.sgd import SGD as SGD
