"""Teachers: what answers questions, so that its answers become traces."""
