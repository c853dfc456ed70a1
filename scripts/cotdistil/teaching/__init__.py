"""Teachers that generate: what they are asked, how they answer, and what is kept of it."""
