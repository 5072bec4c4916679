"""What a process of the service counts, as Prometheus reads it (text exposition format 0.0.4)."""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator

BUCKETS_MS = (5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000)
_BUCKETS_US = [limit * 1_000 for limit in BUCKETS_MS]
MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"

Labels = tuple[tuple[str, str], ...]


class Meters:
    """Requests by route and status, how long they took, refusals by kind."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._requests: Counter[Labels] = Counter()
        self._refusals: Counter[Labels] = Counter()
        self._took: Counter[tuple[str, int]] = Counter()
        self._took_us: Counter[str] = Counter()

    def count(self, method: str, route: str, status: int, took_us: int, refused: str | None) -> None:
        """One request has been answered; `route` as declared, without what was asked for."""
        with self._lock:
            self._requests[("method", method), ("route", route), ("status", str(status))] += 1
            bucket = bisect_left(_BUCKETS_US, took_us)
            self._took[route, bucket] += 1
            self._took_us[route] += took_us
            if refused is not None:
                self._refusals[(("kind", refused),)] += 1

    def lines(self, gauges: dict[str, tuple[str, int]]) -> Iterator[str]:
        """The exposition; `gauges` are figures of now, name to (what it is, value)."""
        with self._lock:
            requests, refusals = dict(self._requests), dict(self._refusals)
            took, took_us = dict(self._took), dict(self._took_us)
        for name, (said, value) in gauges.items():
            yield from (f"# HELP {name} {said}", f"# TYPE {name} gauge", f"{name} {value}")
        yield from _counter("fenhao_requests_total", "Requests answered.", requests)
        yield from _counter("fenhao_refusals_total", "Problems answered, by kind.", refusals)
        name = "fenhao_request_seconds"
        yield from (f"# HELP {name} How long requests took.", f"# TYPE {name} histogram")
        for route, sum_us in sorted(took_us.items()):
            so_far = 0
            for n, limit in enumerate((*BUCKETS_MS, None)):
                so_far += took.get((route, n), 0)
                le = "+Inf" if limit is None else f"{limit // 1000}.{limit % 1000:03}"
                yield f"{name}_bucket{_labels((('route', route), ('le', le)))} {so_far}"
            yield f"{name}_sum{_labels((('route', route),))} {sum_us // 10**6}.{sum_us % 10**6:06}"
            yield f"{name}_count{_labels((('route', route),))} {so_far}"


def _counter(name: str, said: str, values: dict[Labels, int]) -> Iterator[str]:
    yield from (f"# HELP {name} {said}", f"# TYPE {name} counter")
    for labels, value in sorted(values.items()):
        yield f"{name}{_labels(labels)} {value}"


def _labels(labels: Labels) -> str:
    escaped = ((name, value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")) for name, value in labels)
    return "{" + ",".join(f'{name}="{value}"' for name, value in escaped) + "}"
