"""The statistics page of a dataset, with its card."""
