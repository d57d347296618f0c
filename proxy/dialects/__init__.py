"""The clients' wire formats. No I/O."""
