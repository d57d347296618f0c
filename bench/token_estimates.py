"""`python -m bench.token_estimates [--machine]`: the estimate's errors against real tokenizers, and its speed.

It prints the tables of docs/token-estimates.md. Without a flag: the texts in `tests/core/texts`. With it: what is on this
machine besides, which differs from one to another: the standard library, headers, licenses, and manual pages by language.
"""

from __future__ import annotations

import argparse
import ast
import gzip
import re
import statistics
import sysconfig
import timeit
from collections.abc import Iterator
from pathlib import Path

import bpe_openai

from core.facts import chat_facts, decode_chat
from core.tokens import text_tokens

ROOT = Path(__file__).parents[1]
ENCODINGS = ("o200k_base", "cl100k_base", "voyage3_base")
MANUALS = Path("/usr/share/man")
LICENSES = Path("/usr/share/common-licenses")
CHUNK = 1_500
_ROFF = re.compile(r"\\f[BIRP]|\\\(..|\\&|\\[-\"e]|\\\*\[..?\]")


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--machine", action="store_true", help="texts of this machine too")
    texts = sorted((ROOT / "tests/core/texts").glob("*.txt"))
    table({path.stem: [path.read_text(encoding="utf-8")] for path in texts})
    if arguments.parse_args().machine:
        print()
        table({kind: chunks for kind, chunks in on_this_machine() if chunks})
    print()
    speed()


def table(texts: dict[str, list[str]]) -> None:
    """A row per kind: the median of its texts' signed errors, for each tokenizer; below, how large errors are over all."""
    counters = [bpe_openai.get_encoding(name) for name in ENCODINGS]
    print("| text | texts |", " | ".join(ENCODINGS), "|")
    print("|---|--:|" + "--:|" * len(ENCODINGS))
    errors: list[list[float]] = [[] for _ in counters]
    for kind, chunks in texts.items():
        row = []
        for counter, known in zip(counters, errors, strict=True):
            found = [text_tokens(text) / 1000 / len(counter.encode_ordinary(text)) - 1 for text in chunks]
            known += map(abs, found)
            row.append(f"{statistics.median(found):+.0%}")
        print(f"| {kind} | {len(chunks)} |", " | ".join(row), "|")
    total = sum(map(len, texts.values()))
    for name, share in (("median", 0.5), ("nine in ten are within", 0.9)):
        figures = [f"**{sorted(known)[int(len(known) * share)]:.0%}**" for known in errors]
        print(f"| **{name}** | {total} |", " | ".join(figures), "|")


def on_this_machine() -> Iterator[tuple[str, list[str]]]:
    """Kinds of text and their chunks, in the order of their files' names."""
    library = Path(sysconfig.get_path("stdlib"))
    modules = [path.read_text(encoding="utf-8") for path in sorted(library.glob("*.py"))[::3]]
    yield "Python source", chunks_of(modules)
    yield "Python docstrings", chunks_of(map(docstrings, modules))
    yield "C headers", chunks_of(path.read_text("utf-8", "replace") for path in sorted(Path("/usr/include").glob("*.h"))[::3])
    yield "licenses (English)", chunks_of(path.read_text(encoding="utf-8") for path in sorted(LICENSES.glob("*")))
    for folder in sorted(MANUALS.iterdir()):
        if not folder.name.startswith("man"):
            yield f"manual pages ({folder.name})", chunks_of(map(prose, sorted(folder.glob("man*/*.gz"))[:60]))


def docstrings(source: str) -> str:
    """All docstrings of a module."""
    owners = (ast.FunctionDef, ast.ClassDef, ast.Module)
    found = (ast.get_docstring(node) for node in ast.walk(ast.parse(source)) if isinstance(node, owners))
    return "\n\n".join(text for text in found if text)


def prose(page: Path) -> str:
    """A manual page's lines of text, without its macros."""
    lines = gzip.decompress(page.read_bytes()).decode("utf-8", "replace").splitlines()
    return _ROFF.sub("", "\n".join(line for line in lines if not line.startswith((".", "'"))))


def chunks_of(texts: Iterator[str] | map[str] | list[str]) -> list[str]:
    """The first whole chunk of each text that has one."""
    return [text[:CHUNK] for text in texts if len(text) >= CHUNK]


def speed() -> None:
    """Facts with both figures of decoded 4 KB requests, the best of five."""
    print("| 4 KB request | facts with both figures, µs |")
    print("|---|--:|")
    for name in ("english-prose", "german", "russian", "chinese", "python-code", "emoji-chat"):
        text = (ROOT / f"tests/core/texts/{name}.txt").read_text(encoding="utf-8") * 12
        content = text.encode()[:4_000].decode("utf-8", "ignore").replace("\n", " ").replace('"', "'").replace("\\", "/")
        request = decode_chat(f'{{"model": "auto", "messages": [{{"role": "user", "content": "{content}"}}]}}'.encode())
        best = min(timeit.repeat(lambda given=request: chat_facts(given), number=1_000, repeat=5)) * 1_000
        print(f"| {name} | {best:.1f} |")


if __name__ == "__main__":
    main()
