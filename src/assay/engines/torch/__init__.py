"""The torch engine: oneDNN's and cuDNN's kernels, and backward passes written by hand."""

from assay.engines.torch.engine import TorchEngine as TorchEngine
