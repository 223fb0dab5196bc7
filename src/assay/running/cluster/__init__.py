"""Training on many machines: an executor whose workers are the tasks of a Ray cluster."""

from assay.running.cluster.ray_executor import Ray as Ray
