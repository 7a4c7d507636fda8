"""What acts and what judges: networks, and everything needed to run them."""
