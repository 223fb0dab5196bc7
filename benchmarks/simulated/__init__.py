"""Simulated studies whose truth is known, a module a topic; ``simulated_studies.py`` runs them."""
