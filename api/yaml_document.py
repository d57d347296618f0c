"""Making a hand-written YAML file mean something else, and changing nothing but that. Pure: bytes in, bytes out.

The text is cut at the marks of the nodes that differ; every other byte stays, so comments, order, spacing and line ends
survive. An item of a list is known by what it is (`yaml_sequences.py`): a kept one moves with its text and its comments. The
result is read back and compared with what was meant: where a cut would do damage, the edit is refused.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple, TypeAlias

import yaml

from api import yaml_rendering as rendering
from api.yaml_marks import Entry, Node, colon_after, end_of, entries_of, line_after, line_start, root_of
from api.yaml_sequences import Chunk, chunks_of, matched
from core import yaml_strict
from core.yaml_strict import Value

Place: TypeAlias = tuple[str, ...]


class NotEditable(ValueError):
    """This file is written in a way that cannot be changed without touching more than was meant; a person can."""


class Splice(NamedTuple):
    """Put `text` in the place of what stands from `start` to `end`."""

    start: int
    end: int
    text: str


Splices: TypeAlias = Iterator[Splice]


def rewritten(data: bytes, meant: dict[str, Value]) -> bytes:
    """The file with as little changed as makes it mean `meant`. Raises NotEditable."""
    before = yaml_strict.load(data)
    if same(before, meant):
        return data
    text = data.decode()
    mark = "\ufeff" if text.startswith("\ufeff") else ""
    text = text.removeprefix(mark)
    if before is None:
        return _checked(mark + _appended(text, meant), meant)
    if not isinstance(before, dict):
        raise NotEditable("the file does not hold a mapping")
    return _checked(mark + _Rewriting(text).of(root_of(text), before, meant), meant)


def written(meant: Mapping[str, Value]) -> bytes:
    """A new file that means `meant`."""
    return "".join(line + "\n" for line in rendering.mapping_lines(meant, 0)).encode()


def with_value(data: bytes, place: Place, value: Value) -> bytes:
    """Set the value at `place`, adding the mappings on the way that are missing. Raises NotEditable."""
    return rewritten(data, _changed(yaml_strict.load(data), place, value))


def without(data: bytes, place: Place) -> bytes:
    """Remove the key at `place`, if it is there; a mapping that loses its last key stays, empty. Raises NotEditable."""
    return rewritten(data, _removed(yaml_strict.load(data), place))


def same(one: Value, other: Value) -> bool:
    """Whether two values are equal and of one kind: `true` is not 1."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(value, other[key]) for key, value in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(same(*pair) for pair in zip(one, other, strict=True))
    return isinstance(one, bool) == isinstance(other, bool) and one == other


# --- the edit -----------------------------------------------------------------------------------------------------------


class _Rewriting:
    """One text, and the cuts that make it mean something else."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.newline = "\r\n" if "\r\n" in text else "\n"

    def of(self, root: Node, before: dict[str, Value], meant: dict[str, Value]) -> str:
        """The whole text."""
        if root.flow_style:
            return self.applied([self.in_place(root, self.flow(root, before, meant))])
        return self.applied(self.mapping(root, before, meant, None))

    def applied(self, splices: Iterable[Splice], start: int = 0, end: int | None = None) -> str:
        """The text from `start` to `end` with the cuts in it."""
        parts: list[str] = []
        at = start
        for splice in sorted(splices):
            parts += [self.text[at : splice.start], splice.text]
            at = splice.end
        return "".join([*parts, self.text[at:end]])

    # --- blocks ---

    def mapping(self, node: Node, before: Mapping[str, Value], meant: Mapping[str, Value], colon: int | None) -> Splices:
        """Turn a block mapping into `meant`; `colon` is where the key that it belongs to ends."""
        entries = entries_of(node)
        fresh = {key: value for key, value in meant.items() if key not in before}
        kept = [entry for entry in entries if entry.key in meant]
        yield from self.removals(entries, {entry.key for entry in kept})
        for entry in kept:
            yield from self.value(entry, before[entry.key], meant[entry.key])
        if fresh:
            yield self.inserted(entries[-1].end, rendering.mapping_lines(fresh, entries[0].column))
        elif not kept:
            yield self.emptied(colon, " {}")

    def removals(self, entries: Sequence[Entry], kept: Collection[str]) -> Splices:
        """Take away the lines of the entries that are not kept."""
        shared = self.text[line_start(self.text, entries[0].start) : entries[0].start].strip(" ")
        if shared and entries[0].key not in kept:
            # It stands right behind the dash of its item: the next one that stays takes its place.
            first = next((position for position, entry in enumerate(entries) if entry.key in kept), None)
            if first is None or "#" in self.text[entries[0].start : entries[first].start]:
                raise NotEditable(f"{entries[0].key} cannot be removed here")
            yield Splice(entries[0].start, entries[first].start, "")
            entries = entries[first:]
        for entry in entries:
            if entry.key not in kept:
                yield Splice(line_start(self.text, entry.start), line_after(self.text, entry.end), "")

    def value(self, entry: Entry, before: Value, meant: Value) -> Splices:
        """Turn the value of a block mapping's entry into `meant`."""
        node = entry.node
        colon = colon_after(self.text, entry.key_end)
        if same(before, meant):
            return
        if isinstance(meant, dict | list) and _is_block(node) and type(before) is type(meant):
            yield from self.inner(node, before, meant, colon)
        elif rendering.is_block_list(meant) and before in ([], None):
            yield from self.listed(entry, meant, colon)
        elif _is_block(node):
            yield Splice(colon, entry.end, " " + rendering.flow(meant))
        elif isinstance(node, yaml.ScalarNode) and (block := rendering.literal(meant, entry.column + 2)):
            yield self.in_lines(node, block)
        else:
            yield self.in_place(node, self.flow(node, before, meant))

    def inner(self, node: Node, before: Value, meant: Value, colon: int | None) -> Splices:
        """Turn a block collection into another of its kind."""
        if isinstance(before, dict) and isinstance(meant, dict):
            yield from self.mapping(node, before, meant, colon)
        elif isinstance(before, list) and isinstance(meant, list):
            yield from self.sequence(node, before, meant, colon)

    def sequence(self, node: Node, before: Sequence[Value], meant: Sequence[Value], colon: int | None) -> Splices:
        """Put the items of a block list in their new order, each with its own text, and the new ones among them."""
        try:
            chunks, separators = chunks_of(self.text, node)
        except ValueError as error:
            raise NotEditable(str(error)) from error
        start, end = chunks[0].start, chunks[-1].end
        parts: list[str] = []
        for old, item in zip(matched(before, meant, same), meant, strict=True):
            parts.append(self.new_item(node, item) if old is None else self.kept_item(node, chunks, old, before[old], item))
        between = [*separators[: max(len(parts) - 1, 0)], *[""] * len(parts)]
        left_over = "".join(text for text in separators[len(parts) - 1 if parts else 0 :] if "#" in text)
        text = "".join(part + gap for part, gap in zip(parts, between, strict=False)) + left_over
        yield Splice(start, end, text if self.text[end - 1 : end] == "\n" else text.removesuffix(self.newline))
        if not meant:
            yield self.emptied(colon, " []")

    def kept_item(self, sequence: Node, chunks: Sequence[Chunk], position: int, before: Value, meant: Value) -> str:
        chunk, node = chunks[position], sequence.value[position]
        splices: Iterable[Splice] = ()
        if not same(before, meant):
            if _is_block(node) and type(before) is type(meant):
                splices = self.inner(node, before, meant, None)
            elif _is_block(node):
                raise NotEditable(f"line {node.start_mark.line + 1} cannot become anything else")
            else:
                splices = [self.in_place(node, self.flow(node, before, meant))]
        text = self.applied(splices, chunk.start, chunk.end)
        return text if text.endswith("\n") else text + self.newline

    def new_item(self, sequence: Node, item: Value) -> str:
        inline = bool(getattr(sequence.value[-1], "flow_style", False))
        lines = rendering.item_lines(item, sequence.start_mark.column, inline=inline)
        return "".join(line + self.newline for line in lines)

    def listed(self, entry: Entry, meant: Value, colon: int) -> Splices:
        """Write a list below a key that has none, or an empty one."""
        node = entry.node
        yield Splice(colon, max(int(node.end_mark.index), colon), "")
        lines = rendering.mapping_lines({entry.key: meant}, entry.column)[1:]
        yield self.inserted(max(entry.end, colon), lines)

    def emptied(self, colon: int | None, empty: str) -> Splice:
        if colon is None:
            raise NotEditable("nothing would be left")
        # Its last entry gone, a block would read as null: it becomes an empty one, and comments inside it stay.
        return Splice(colon, colon, empty)

    def inserted(self, end: int, lines: Sequence[str]) -> Splice:
        """Whole lines, after the one that `end` is on."""
        at, block = line_after(self.text, end), self.newline.join(lines)
        if at and self.text[at - 1] != "\n":  # the file's last line has no end: it gets one, and ours takes its place
            return Splice(at, at, self.newline + block)
        return Splice(at, at, block + self.newline)

    # --- in one place ---

    def in_lines(self, node: Node, block: Sequence[str]) -> Splice:
        """Put a literal block where a scalar stands; a comment behind the scalar stands behind the block's header then."""
        header, *body = block
        end = end_of(node)
        behind = "" if node.style in ("|", ">") else self.text[end:].partition("\n")[0].removesuffix("\r")
        unended = end + len(behind) == len(self.text) and not self.text.endswith("\n")
        at_end = self.newline if unended else ""  # such a block ends with its line
        splice = self.in_place(node, self.newline.join([header + behind.rstrip(), *body]) + at_end)
        return splice._replace(end=splice.end + len(behind))

    def in_place(self, node: Node, rendered: str) -> Splice:
        """Put `rendered` where a scalar or a flow collection stands."""
        start, end = node.start_mark.index, end_of(node)
        old = self.text[start:end]
        kept_after = old[len(old.rstrip()) :]  # a block scalar ends after its blank lines, which belong to the reader
        before = " " if start == end and self.text[start - 1 : start] == ":" else ""
        return Splice(start, end, before + rendered + kept_after)

    def flow(self, node: Node, before: Value, meant: Value) -> str:
        """The text of a scalar or a flow collection that means `meant`: what is kept in it keeps its text."""
        if isinstance(node, yaml.MappingNode) and isinstance(before, dict) and isinstance(meant, dict) and meant:
            entries = {entry.key: entry for entry in entries_of(node)}
            pieces = [
                self.flow_entry(entries[key], before[key], value)
                if key in entries
                else f"{rendering.scalar(key)}: {rendering.flow(value)}"
                for key, value in _kept_first(before, meant).items()
            ]
            return self.joined(node, [(entry.start, entry.end) for entry in entries.values()], pieces)
        if isinstance(node, yaml.SequenceNode) and isinstance(before, list) and isinstance(meant, list) and meant:
            pieces = [
                rendering.flow(item) if old is None else self.flow_value(node.value[old], before[old], item)
                for old, item in zip(matched(before, meant, same), meant, strict=True)
            ]
            return self.joined(node, [(item.start_mark.index, end_of(item)) for item in node.value], pieces)
        return rendering.flow(meant, getattr(node, "style", None))

    def flow_entry(self, entry: Entry, before: Value, meant: Value) -> str:
        if same(before, meant):
            return self.text[entry.start : entry.end]
        value, at = self.flow_value(entry.node, before, meant), int(entry.node.start_mark.index)
        if at == entry.node.end_mark.index:
            return f"{self.text[entry.start : entry.key_end]}: {value}"
        return self.text[entry.start : at] + value

    def flow_value(self, node: Node, before: Value, meant: Value) -> str:
        return self.text[node.start_mark.index : end_of(node)] if same(before, meant) else self.flow(node, before, meant)

    def joined(self, node: Node, spans: Sequence[tuple[int, int]], pieces: Sequence[str]) -> str:
        """The pieces between the brackets of a flow collection, with what stood between the old ones."""
        start, end = node.start_mark.index, end_of(node)
        if not spans:
            return self.text[start] + ", ".join(pieces) + self.text[end - 1]
        old = [self.text[one[1] : other[0]] for one, other in itertools.pairwise(spans)]
        between = [*old[: len(pieces) - 1], *[", "] * (len(pieces) - 1 - len(old)), ""]
        inside = "".join(piece + gap for piece, gap in zip(pieces, between, strict=True))
        left_over = "".join(text.replace(",", "", 1) for text in old[len(pieces) - 1 :] if "#" in text)
        return self.text[start : spans[0][0]] + inside + left_over + self.text[spans[-1][1] : end]


def _is_block(node: Node) -> bool:
    return not isinstance(node, yaml.ScalarNode) and not node.flow_style


def _kept_first(before: Mapping[str, Value], meant: Mapping[str, Value]) -> dict[str, Value]:
    return {key: meant[key] for key in before if key in meant} | {key: meant[key] for key in meant if key not in before}


def _appended(text: str, meant: Mapping[str, Value]) -> str:
    """A file of comments alone gets its values at its end."""
    return text + ("" if text.endswith("\n") or not text else "\n") + written(meant).decode()


# --- the proof ----------------------------------------------------------------------------------------------------------


def _checked(text: str, meant: dict[str, Value]) -> bytes:
    data = text.encode()
    try:
        found = yaml_strict.load(data)
    except yaml_strict.YamlError:
        found = None
    if not same(found, meant):
        raise NotEditable("this cannot be changed without touching other lines of the file; edit it by hand")
    return data


def _changed(tree: Value, place: Place, value: Value) -> dict[str, Value]:
    key, *rest = place
    if not isinstance(tree, dict | None):
        raise NotEditable(f"what should hold {key} is not a mapping")
    mapping = dict(tree or {})
    mapping[key] = _changed(mapping.get(key), tuple(rest), value) if rest else value
    return mapping


def _removed(tree: Value, place: Place) -> dict[str, Value]:
    key, *rest = place
    mapping = dict(tree) if isinstance(tree, dict) else {}
    if not rest:
        mapping.pop(key, None)
    elif isinstance(mapping.get(key), dict):
        mapping[key] = _removed(mapping[key], tuple(rest))
    return mapping
