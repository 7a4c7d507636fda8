"""All experiments, in the order of the report: the paper's figures and ablations, then what its reviewers asked for."""
