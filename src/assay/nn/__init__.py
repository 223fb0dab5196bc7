"""The mathematics: one file a layer kind, forward and backward side by side, in plain NumPy."""
