"""Every English sentence about a result: reports take theirs from here and write none of their own.

Results come as numbers and codes from `assay.stats` and `assay.findings`; `assay.findings.numbers` says
how a number is written.
"""
