"""Right: relative imports from two folders up, one of them late."""

from .. import tools


class Rectifier:
    def fprop(self, inputs):
        from ..tools import rectified

        assert rectified is tools.rectified
        return rectified(inputs)

    def bprop(self, inputs, outputs, grads_wrt_outputs):
        return grads_wrt_outputs * (outputs > 0)
