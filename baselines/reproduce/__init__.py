"""The paper's experiments and those that its reviewers asked for, each over several seeds."""
