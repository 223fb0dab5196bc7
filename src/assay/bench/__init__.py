"""Measurements of assay's own parts on the machine at hand: time, working memory, rounding."""
