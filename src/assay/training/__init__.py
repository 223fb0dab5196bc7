"""Training one run: epochs, checkpoints, examinations and explanations."""
