"""What becomes of content before it leaves: whether, where to, without what, and how much of it."""
