"""What experiments need, as a graph: nodes, what they cost, and how long they take on how many workers."""
