"""How the figures and findings of experiments are drawn and worded."""
