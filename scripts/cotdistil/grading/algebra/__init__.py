"""Equality by algebra, in processes that can be killed."""
