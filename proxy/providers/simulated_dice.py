"""Repeatable chance for simulated models: the same seed and request throw the same numbers, on every machine."""

from __future__ import annotations

import math
import zlib

_MASK = (1 << 64) - 1


class Dice:
    """Repeatable random numbers (SplitMix64): cheap to seed, unlike `random.Random`."""

    __slots__ = ("_state",)

    def __init__(self, seed: int, body: bytes) -> None:
        self._state = (seed * 0x9E3779B97F4A7C15 + (zlib.crc32(body) << 32) + zlib.adler32(body)) & _MASK

    def bits(self) -> int:
        """64 random bits."""
        self._state = (self._state + 0x9E3779B97F4A7C15) & _MASK
        z = self._state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _MASK
        return z ^ (z >> 31)

    def roll(self) -> float:
        """A number in 0 ≤ x < 1."""
        return (self.bits() >> 11) / (1 << 53)

    def gauss(self) -> float:
        """A normally distributed number: mean 0, deviation 1."""
        return math.sqrt(-2.0 * math.log(1.0 - self.roll())) * math.cos(math.tau * self.roll())
