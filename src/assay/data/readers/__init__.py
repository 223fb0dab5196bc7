"""Readers of data sets in files, one a format: from an `Address` to a `Source`."""
