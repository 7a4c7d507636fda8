"""How anything is shown: plots, pages and films."""
