"""The metrics of trainings as a picture."""
