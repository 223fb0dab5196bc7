"""Every English sentence that is said of a result: drawings take theirs from here and write none.

What is found comes as numbers and codes from `assay.stats` and `assay.findings`; how a number is written says
`assay.findings.numbers`.
"""
