"""What is known of a run, and by what it is measured."""
