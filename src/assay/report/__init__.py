"""Results drawn: computed once by `assay.report.model`, drawn as HTML, text, CSV, JSON and notebook cells."""
