"""Pictures of pages, made small: a palette of 256 colours in place of three bytes a point. The browser counts the colours."""

from __future__ import annotations

import base64
import struct
import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Page

# Colour by colour the one that is missed most: far from those taken, and frequent. Each point takes the nearest of them.
COUNT = """async (source) => {
  const image = new Image()
  image.src = `data:image/png;base64,${source}`
  await image.decode()
  const { width, height } = image
  const canvas = new OffscreenCanvas(width, height).getContext('2d')
  canvas.drawImage(image, 0, 0)
  const points = new Uint32Array(canvas.getImageData(0, 0, width, height).data.buffer)
  const often = new Map()
  for (const point of points) often.set(point, (often.get(point) ?? 0) + 1)
  const parts = (point) => [point & 255, (point >> 8) & 255, (point >> 16) & 255]
  const far = ([a, b, c], [d, e, f]) => (a - d) ** 2 + (b - e) ** 2 + (c - f) ** 2
  const known = [...often].map(([point, times]) => ({ point, times, own: parts(point), place: 0, off: Infinity }))
  const colours = []
  while (colours.length < 256) {
    const worst = known.reduce((a, b) => (b.off * Math.sqrt(b.times) > a.off * Math.sqrt(a.times) ? b : a))
    if (worst.off === 0) break
    for (const each of known) {
      const off = far(each.own, worst.own)
      if (off < each.off) Object.assign(each, { off, place: colours.length })
    }
    colours.push(worst.own)
  }
  const place = new Map(known.map((each) => [each.point, each.place]))
  let text = ''
  for (const point of points) text += String.fromCharCode(place.get(point))
  return { width, height, palette: colours.flat(), points: btoa(text) }
}"""


def small(easel: Page, png: bytes) -> bytes:
    """The same picture as a PNG of 256 colours, through any page of the browser."""
    found = easel.evaluate(COUNT, base64.b64encode(png).decode())
    width, height = found["width"], found["height"]
    points = base64.b64decode(found["points"])
    rows = b"".join(b"\0" + points[row * width : (row + 1) * width] for row in range(height))
    header = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"PLTE", bytes(found["palette"])), (b"IDAT", zlib.compress(rows, 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in chunks)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
