"""Results drawn: computed once by `findings`, drawn as HTML, text, CSV, JSON and notebook cells."""
