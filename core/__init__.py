"""What both planes agree on. Pure: no I/O, no clock, no dice; imports neither plane."""
