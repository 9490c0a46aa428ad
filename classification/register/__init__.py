"""Deliveries to national registers (PAR-01): what goes, what stands in the way, how the files are written."""
