"""The numba engine: programs of compiled kernels over one array a run."""

from assay.engines.numba.engine import NumbaEngine as NumbaEngine
