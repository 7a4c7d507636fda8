"""The statistics page of a dataset, including its card."""
