"""Results drawn: computed once by `assay.findings.findings`, drawn as HTML, text, CSV, JSON and notebook cells."""
