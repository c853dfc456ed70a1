"""Supervised fine-tuning on the response only."""
