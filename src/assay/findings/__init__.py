"""What follows from a study's results, computed once; drawing it is `report`'s."""
