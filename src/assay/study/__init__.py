"""What is asked: a study, its settings, its arms, its claims."""
