"""What the collector costs: CPU, memory and disk for each item, against a plain pipeline."""
