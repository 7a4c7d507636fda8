"""The paper, figure by figure, and what its reviewers asked for: experiments over seeds, their rows and figures."""
