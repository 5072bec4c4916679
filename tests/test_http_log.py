"""The log over HTTP: what C2SP asks of it, hashes for everybody and entries for those entitled."""

from __future__ import annotations

from pathlib import Path

import pytest
from serving import Served

from api.bootstrap import log_of
from audit.checkpoint import Checkpoint, open_checkpoint
from audit.files import write_whole
from audit.merkle import leaf_hash, root
from audit.proof import Receipt
from audit.tiles import Tiles, tile_path, tiles_of


@pytest.fixture(scope="module")
def head(served: Served) -> Checkpoint:
    """The signed head of some 300 entries."""
    gift = {"fund": "F", "amount": 1, "on": "2026-01-02"}
    facts = [{"fact": "DonationReceived", "data": {**gift, "donation": f"L{n}", "donor": "L"}} for n in range(300)]
    assert served.post("/v1/batches", {"facts": facts}).json()["recorded"] == 300
    return log_of(served.fenhao).publish()


def test_anybody_can_check_the_tree_from_public_hashes(served: Served, head: Checkpoint, tmp_path: Path) -> None:
    client = served.client()
    note = client.get("/log/checkpoint")
    assert note.headers["content-type"] == "text/plain; charset=utf-8"
    assert note.headers["cache-control"] == "public, max-age=2"
    signed = open_checkpoint(note.content, head.origin, [log_of(served.fenhao).verifier])
    assert signed == head
    for level, number, width in tiles_of(head.size):
        path = tile_path(level, number, width)
        answer = client.get(f"/log/{path}")
        assert answer.headers["content-type"] == "application/octet-stream"
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        write_whole(tmp_path / path, answer.content)
    assert root(head.size, Tiles(tmp_path).reader(head.size)) == head.root


def test_entry_bundles_are_what_the_hashes_are_of_and_for_those_entitled(served: Served, head: Checkpoint) -> None:
    path = f"/log/{tile_path('entries', 0)}"
    assert served.client().get(path).status_code == 401
    assert served.client("read").get(path).status_code == 403
    answer = served.client("log").get(path)
    assert answer.headers["cache-control"].startswith("private")
    assert answer.headers["content-encoding"] == "gzip"
    data, leaves = answer.content, []
    while data:
        length = int.from_bytes(data[:2])
        leaves.append(leaf_hash(data[2 : 2 + length]))
        data = data[2 + length :]
    assert b"".join(leaves) == served.client().get(f"/log/{tile_path(0, 0)}").content
    plain = served.client("log").get(path, headers={"Accept-Encoding": "identity"})
    assert plain.content == answer.content
    assert "content-encoding" not in plain.headers


@pytest.mark.parametrize(
    "path",
    [
        "tile/0/1", "tile/0/0000", "tile/0/x000/000", "tile/0/999", "tile/0/000.p/0", "tile/0/000.p/256",
        "tile/0/001.p/255", "tile/9/000", "tile/00/000", "tile/a/000", "tile/0/000.p/01", "tile/0/../checkpoint",
        "tile/0/%2e%2e/checkpoint", "tile/entries/999", "tile/entries/000.p/256", "tile/entries/-01", "tile/8/000",
        "tile/0/０００", "checkpoints/1", "tile", "tile/0/", "tile/entries/",
    ],
)  # fmt: skip
def test_a_path_that_is_no_tile_of_the_signed_tree_is_not_found(served: Served, head: Checkpoint, path: str) -> None:
    answer = served.client("log").get(f"/log/{path}")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_receipt_proves_its_entry_and_there_is_none_of_what_is_not_signed(served: Served, head: Checkpoint) -> None:
    answer = served.client("log").get("/v1/entries/7/receipt")
    made = Receipt.parse(answer.content)
    assert made.check(head.origin, [log_of(served.fenhao).verifier]).size >= head.size
    assert made.entry == served.client("log").get("/v1/entries/7").content.split(b'"entry":', 1)[1][:-1]
    assert served.client("log").get("/v1/entries/999999/receipt").status_code == 404
