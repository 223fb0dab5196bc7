"""The numba engine: programs of compiled kernels over one array per run."""

from assay.engines.numba.engine import NumbaEngine as NumbaEngine
