"""Deciding where a request goes: the engine, the statistics it reads, the policies."""
