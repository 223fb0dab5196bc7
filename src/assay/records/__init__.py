"""What is recorded of a run, and the metrics it is measured by."""
