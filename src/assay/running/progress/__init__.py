"""How far a study under way is: kept, and shown in a terminal, a notebook or as plain lines."""
