"""What one machine measures for the model of many."""
