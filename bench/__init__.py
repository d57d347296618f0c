"""Speed, measured: `python -m bench` runs the scenarios against `waybill serve` and nginx, and keeps the raw rounds."""
