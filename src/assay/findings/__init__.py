"""What follows from a study's results, computed once; `report` draws it."""
