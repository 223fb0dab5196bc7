"""The progress of a running study: tracked, and shown in a terminal, a notebook or as plain lines."""
