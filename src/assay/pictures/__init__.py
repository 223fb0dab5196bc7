"""Pictures: what people photograph, scan or draw, brought to what a network has learnt from."""
