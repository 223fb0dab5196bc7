"""Images and labels on the device, and minibatches of them."""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from assay.engines.base import Images, Labels, Recipe
from assay.engines.torch.layout import fold
from assay.optim.augment import augment
from assay.shapes import Shape

ARRAYS_KEPT = 8
"""Images and labels of train, valid and test, and some to spare."""


class Examples:
    """Turns images into inputs; the images stay on the device as bytes between epochs."""

    def __init__(self, recipe: Recipe, input_shape: Shape, device: torch.device) -> None:
        self._recipe = recipe
        self._input_shape = input_shape
        self._device = device
        self._kept: dict[int, tuple[NDArray[np.generic], Tensor]] = {}

    def batches(
        self, images: Images, labels: Labels, orders: Labels, seeds: Sequence[int], epoch: int
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield inputs and labels (R, N) of minibatches in each run's order, ``orders`` (R, N in all)."""
        answers, size = self.upload(labels), self._recipe.batch_size
        for start in range(0, orders.shape[1], size):
            batch = np.ascontiguousarray(orders[:, start : start + size])
            index = torch.from_numpy(batch).to(self._device, non_blocking=True)
            if self._recipe.augment:
                pixels = self._augmented(images, batch, seeds, epoch)
            else:
                pixels = self.upload(images)[index]
            yield self.inputs(pixels), answers[index]

    def inputs(self, pixels: Tensor) -> Tensor:
        """Scale pixels (R, N, H, W) or (R, N, H, W, C) to [0, 1] and lay them out."""
        pixels = pixels.movedim(-1, 2) if pixels.ndim == 5 else pixels
        scaled = pixels.to(getattr(torch, self._recipe.parameter_dtype)).div_(255)
        x = scaled.to(getattr(torch, self._recipe.layer_dtype))
        return fold(x.reshape(*pixels.shape[:2], *self._input_shape))

    def upload(self, array: NDArray[np.generic]) -> Tensor:
        """Return an array on the device; on the CPU, the array itself."""
        if id(array) not in self._kept:
            if len(self._kept) == ARRAYS_KEPT:
                self._kept.clear()
            tensor = torch.from_numpy(array if array.flags.writeable else array.copy())
            self._kept[id(array)] = (array, tensor.to(self._device))
        return self._kept[id(array)][1]

    def _augmented(
        self, images: Images, batch: NDArray[np.int64], seeds: Sequence[int], epoch: int
    ) -> Tensor:
        transforms = self._recipe.augment
        distorted = [
            augment(images[own], own, seed, epoch, transforms) for own, seed in zip(batch, seeds, strict=True)
        ]
        return torch.from_numpy(np.stack(distorted)).to(self._device)
