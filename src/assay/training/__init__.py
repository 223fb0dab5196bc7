"""One run is trained, kept, examined and explained."""
