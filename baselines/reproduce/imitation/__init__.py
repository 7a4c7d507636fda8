"""Experiments about imitation: pre-training and fine-tuning."""
