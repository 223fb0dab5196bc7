"""The compiled kernels, each beside the formula that it computes.

Everything that a run holds lies in one array, ``memory``; a kernel is told by a
``call``, one row of a program, at which offsets its operands lie. Maps are laid
out ``[block][C][H][W][lane]``: as many examples as fill a vector register lie
side by side, so every formula reads as it would for one example.
"""
