"""How other libraries train the same network: one way per file, written as its users would.

Apart from the torch engine, only these files may import PyTorch, and only they
may import JAX and Keras: nothing that assay trains goes through them.
"""
