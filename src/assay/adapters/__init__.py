"""Layers of other styles as layers of assay, and assay's in theirs."""
