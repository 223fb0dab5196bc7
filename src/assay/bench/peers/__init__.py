"""How others train the same network: each file one way, as its users write it.

Here alone, beside the torch engine, may PyTorch be imported, and here alone JAX
and Keras: nothing that assay trains goes through these files.
"""
