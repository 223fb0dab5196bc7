"""How each layer of a network fares in training, and why a network has learnt nothing."""

from assay.diagnostics.causes import chance as chance
from assay.diagnostics.causes import stuck as stuck
from assay.diagnostics.causes import why_diverged as why_diverged
from assay.diagnostics.causes import why_stuck as why_stuck
from assay.diagnostics.examination import examine as examine
