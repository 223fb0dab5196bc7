"""Controlled experiments on the ingredients of neural networks."""
