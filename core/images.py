"""The most tokens that a provider counts for one image, by the model's upstream name. Sources: docs/token-estimates.md."""

from __future__ import annotations

from typing import Final

IMAGE_TOKENS: Final = 765  # an estimate: 1024 × 1024 in high detail for GPT-4o, between what others count
IMAGE_TOKENS_BOUND: Final = 48_169  # the dearest known, which holds where a model's own is not: gpt-4o-mini

# OpenAI in tiles: base + 8 tiles, for 768 × 2048 is the largest that an image is scaled to. In patches: 1,536 × a factor.
_BY_NAME: Final = {
    "gpt-4o-mini": 2_833 + 8 * 5_667,
    "gpt-4o": 85 + 8 * 170,
    "gpt-4-turbo": 85 + 8 * 170,
    "gpt-4.1": 85 + 8 * 170,
    "gpt-4.1-mini": 2_489,  # 1,536 × 1.62
    "gpt-4.1-nano": 3_779,  # 1,536 × 2.46
    "gpt-5": 70 + 8 * 140,
    "gpt-5-mini": 2_489,
    "gpt-5-nano": 3_779,
    "o1": 75 + 8 * 150,
    "o3": 75 + 8 * 150,
    "o4-mini": 2_642,  # 1,536 × 1.72
}
_CLAUDE: Final = 4_784  # patches of 28 × 28, 2,576 pixels at the long edge


def image_tokens_bound(upstream_name: str) -> int:
    """The most tokens of one image for a model; a dated name is that of its family, an unknown one has the dearest known."""
    if upstream_name.startswith("claude-"):
        return _CLAUDE
    family, dated, _ = upstream_name.partition("-20")
    return _BY_NAME.get(family if dated else upstream_name, IMAGE_TOKENS_BOUND)
