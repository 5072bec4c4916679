"""Fewer nodes than there are: the small ones of a layer together as one, and every node still in balance."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from projections.flows import DONORS, FUNDS, HOSPITALS, OTHERS, Flows, Link, Node

MANY = ("donors/", "funds/", "hospitals/")
"""How ids begin of nodes that are not one donor, fund or hospital."""

IsTold = Callable[[int, int], bool]
"""Whether a node is told apart: its rank in its layer, 0 the largest, and its amount in minor units."""


def folded(flows: Flows, is_told: IsTold) -> Flows:
    """The same flows with the donors, funds and hospitals that are not told apart put together; never one alone."""
    into: dict[str, str] = {}
    for layer in (DONORS, FUNDS, HOSPITALS):
        single = [node for node in flows.nodes if node.layer == layer and not node.id.startswith(MANY)]
        single.sort(key=lambda node: (-node.amount, node.id))
        small = [node for rank, node in enumerate(single) if not is_told(rank, node.amount)]
        if len(small) > 1 or any(node.id == OTHERS[layer] for node in flows.nodes):
            into |= {node.id: OTHERS[layer] for node in small}
    return replace(flows, nodes=tuple(_nodes(flows.nodes, into)), links=tuple(_links(flows.links, into)))


def _nodes(nodes: Iterable[Node], into: dict[str, str]) -> list[Node]:
    """In their order, layer by layer; what stands for many comes after those that stand for themselves."""
    merged: dict[str, Node] = {}
    for node in nodes:
        target = into.get(node.id, node.id)
        before = merged.get(target, node._replace(id=target, amount=0, many=0))
        name = node.name if target == node.id else None
        merged[target] = before._replace(amount=before.amount + node.amount, many=before.many + node.many, name=name)
    return sorted(merged.values(), key=lambda node: (node.layer, node.id.startswith(MANY)))


def _links(links: Iterable[Link], into: dict[str, str]) -> list[Link]:
    merged: dict[tuple[str, str], Link] = {}
    for link in links:
        ends = into.get(link.source, link.source), into.get(link.target, link.target)
        one = merged.get(ends, Link(*ends, 0, link.first, link.last))
        first, last = min(one.first, link.first), max(one.last, link.last)
        merged[ends] = Link(*ends, one.amount + link.amount, first, last)
    return sorted(merged.values())
