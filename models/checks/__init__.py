"""What is read back from a finished picture: fidelity, text, safety."""
