"""Plumbing of the course, and what a notebook has already taught in the open."""
