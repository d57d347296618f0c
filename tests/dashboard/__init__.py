"""The dashboard in Debian's Chromium, against the whole product. A package, so that its browser closes before others' tests."""
