"""Matching lines of banks' statements to the cash legs of entries: pure rules in order, each with name and version.

    reference/1    the same reference on the same account, and the amounts come to the same
    amount-day/1   the same amount on the same account within a few days
    subset/1       one line for several legs, or several lines for one, that add up to it
    channel-net/1  what a channel paid out is its gifts less refunds and fees of some days on end

Automatic only where there is one way and nothing else lays claim to any part of it; all else is a suggestion for a
person, and what is suggested is taken by no later rule. The same movements in any order give the same result.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

Key = tuple[int, int]
"""Statement and ordinal of a line; `seq` and place of a leg in its entry."""
_Name = tuple[str, str]
_Way = tuple[Key, ...]

WINDOW_DAYS = 3
PAYOUT_DAYS = 7
"""A channel pays out at most so many days' money, at most so many days later."""
MOST_CANDIDATES = 24
MOST_STEPS = 20_000
MOST_STEPS_IN_ALL = 5_000_000
MOST_ALTERNATIVES = 5


class Movement(NamedTuple):
    """A line or a leg: `day` is a proleptic ordinal, `amount` minor units with a sign, in positive.

    `channel` marks a leg that waits at a payment channel until that pays out.
    """

    key: Key
    account: str
    day: int
    amount: int
    refs: tuple[str, ...] = ()
    channel: bool = False


class Match(NamedTuple):
    """Lines and legs that come to the same, with the rule that says so."""

    rule: str
    lines: tuple[Key, ...]
    legs: tuple[Key, ...]


class Suggestion(NamedTuple):
    """Ways in which lines and legs may belong together, for a person: the first few of `ways`.

    `difference` is what the lines come to less what the legs do, where a reference agrees and amounts do not.
    """

    rule: str
    alternatives: tuple[Match, ...]
    ways: int
    difference: int = 0


class GivenUp(NamedTuple):
    """A line or leg for which a search was not made or not finished: too many candidates, or too many steps."""

    rule: str
    key: Key
    is_line: bool
    candidates: int
    cut_off: bool


@dataclass(slots=True)
class Reconciliation:
    """What became of all lines and legs; those left are in none of the others."""

    matches: list[Match] = field(default_factory=list)
    suggestions: list[Suggestion] = field(default_factory=list)
    given_up: list[GivenUp] = field(default_factory=list)
    lines_left: list[Movement] = field(default_factory=list)
    legs_left: list[Movement] = field(default_factory=list)


def reconcile(lines: Iterable[Movement], legs: Iterable[Movement], window_days: int = WINDOW_DAYS) -> Reconciliation:
    """Applies the rules in their order."""
    pool = _Pool(lines, legs)
    _by_reference(pool)
    _by_amount_and_day(pool, window_days)
    _by_subset(pool, window_days)
    _by_channel_net(pool)
    pool.result.lines_left, pool.result.legs_left = list(pool.lines.values()), list(pool.legs.values())
    return pool.result


class _Pool:
    """What no rule has taken yet, in the order of keys."""

    def __init__(self, lines: Iterable[Movement], legs: Iterable[Movement]) -> None:
        self.lines = {line.key: line for line in sorted(lines)}
        self.legs = {leg.key: leg for leg in sorted(legs)}
        self.result = Reconciliation()

    def match(self, rule: str, lines: Sequence[Key], legs: Sequence[Key]) -> None:
        self.result.matches.append(Match(rule, tuple(lines), tuple(legs)))
        self._take(lines, legs)

    def suggest(
        self, rule: str, ways: Sequence[tuple[Sequence[Key], Sequence[Key]]], count: int, apart: int = 0
    ) -> None:
        """Suggests the first of these ways; all their lines and legs are taken."""
        shown = tuple(Match(rule, tuple(lines), tuple(legs)) for lines, legs in ways[:MOST_ALTERNATIVES])
        self.result.suggestions.append(Suggestion(rule, shown, count, apart))
        for lines, legs in ways:
            self._take(lines, legs)

    def set_aside(self, legs: Iterable[Key]) -> None:
        """Legs that a suggestion may mean are for a person alone."""
        self._take((), legs)

    def _take(self, lines: Iterable[Key], legs: Iterable[Key]) -> None:
        for key in lines:
            self.lines.pop(key, None)
        for key in legs:
            self.legs.pop(key, None)


def _by_reference(pool: _Pool) -> None:
    """All lines and all legs with one reference on one account, together; the bank's reference before our own."""
    for place in (0, 1):
        wanted: dict[_Name, list[Movement]] = defaultdict(list)
        accounts: dict[str, set[str]] = defaultdict(set)
        for line in pool.lines.values():
            if len(line.refs) > place:
                wanted[line.account, line.refs[place]].append(line)
                accounts[line.refs[place]].add(line.account)
        if not accounts:
            continue
        found: dict[_Name, list[Movement]] = defaultdict(list)
        for leg in pool.legs.values():
            for ref in dict.fromkeys([ref for ref in leg.refs if ref in accounts]):
                for account in accounts[ref] if leg.channel else (leg.account,):
                    if (account, ref) in wanted:
                        found[account, ref].append(leg)
        claims = Counter(leg.key for legs in found.values() for leg in legs)
        for name, legs in found.items():
            apart = sum(line.amount for line in wanted[name]) - sum(leg.amount for leg in legs)
            keys = ([line.key for line in wanted[name]], [leg.key for leg in legs])
            if apart == 0 and all(claims[leg.key] == 1 for leg in legs):
                pool.match("reference/1", *keys)
            else:
                pool.suggest("reference/1", [keys], 1, apart)


def _by_amount_and_day(pool: _Pool, window: int) -> None:
    """Pairs of which each is the only one for the other. Like ones may be thousands: they are counted, not listed."""
    lines = _by_account_and_amount(pool.lines.values())
    legs = _by_account_and_amount(leg for leg in pool.legs.values() if (leg.account, leg.amount) in lines)
    for name, wanted in lines.items():
        there = legs.get(name)
        if there is None:
            continue
        covered, contested, pairs = 0, [], []
        for line in wanted.all:
            low, high = there.bounds(line.day, window)
            if high - low == 1:
                first, last = wanted.bounds(there.all[low].day, window)
                if last - first == 1:
                    pairs.append((line.key, there.all[low].key))
                    continue
            if high > low:
                shown = [([line.key], [leg.key]) for leg in there.all[low : min(high, low + MOST_ALTERNATIVES)]]
                pool.suggest("amount-day/1", shown, high - low)
                contested += [leg.key for leg in there.all[max(low, covered) : high]]
                covered = max(covered, high)
        pool.set_aside(contested)
        for line_key, leg_key in pairs:
            pool.match("amount-day/1", [line_key], [leg_key])


def _by_subset(pool: _Pool, window: int) -> None:
    """One for several: first lines for which legs are sought, then legs for which lines are."""
    steps = _Steps()
    for is_line in (True, False):
        targets, parts = (pool.lines, pool.legs) if is_line else (pool.legs, pool.lines)
        accounts = {target.account for target in targets.values()}
        by_side = _by_account_and_side(part for part in parts.values() if part.account in accounts)
        found: list[_Found] = []
        unsearched: dict[tuple[str, int], list[tuple[int, int]]] = defaultdict(list)
        for target in targets.values():
            name = (target.account, target.amount > 0)
            there = by_side.get(name)
            if there is None:
                continue
            low, high = there.bounds(target.day, window)
            if high - low > MOST_CANDIDATES:
                pool.result.given_up.append(GivenUp("subset/1", target.key, is_line, high - low, False))
                unsearched[name].append((low, high))
                continue
            near = [part for part in there.all[low:high] if abs(part.amount) < abs(target.amount)]
            ways = steps.search(abs(target.amount), near)
            if ways is None:
                pool.result.given_up.append(GivenUp("subset/1", target.key, is_line, len(near), True))
            if ways is None or len(ways) > MOST_ALTERNATIVES:
                found.append(_Found(target.key, ways or [], [part.key for part in near]))
            elif ways:
                found.append(_Found(target.key, ways, [part for way in ways for part in way]))
        contested = {part.key for name, bounds in unsearched.items() for part in by_side[name].covered(bounds)}
        _settle(pool, "subset/1", found, is_line, contested)


class _Found(NamedTuple):
    """The ways that were found for a target, and all parts that it may need."""

    target: Key
    ways: list[_Way]
    claimed: list[Key]


def _settle(
    pool: _Pool, rule: str, found: Sequence[_Found], is_line: bool, contested: Collection[Key] = frozenset()
) -> None:
    """Matches each target with one way, whose parts no other target may need; suggests the rest."""
    claims = Counter(part for each in found for part in set(each.claimed))
    for each in found:
        pairs = [((each.target,), way) if is_line else (way, (each.target,)) for way in each.ways]
        if len(pairs) == 1 and all(claims[part] == 1 and part not in contested for part in each.ways[0]):
            pool.match(rule, *pairs[0])
        elif pairs:
            pool.suggest(rule, pairs, len(pairs))


class _Steps:
    """Bounded searches for sums, that share one bound on all their steps."""

    def __init__(self) -> None:
        self._left = MOST_STEPS_IN_ALL

    def search(self, wanted: int, parts: Sequence[Movement]) -> list[_Way] | None:
        """The first ways in which two or more parts add up to `wanted`, at most a few; None if it was not finished."""
        ordered = sorted(parts, key=lambda part: (-abs(part.amount), part.key))
        sizes = [abs(part.amount) for part in ordered]
        rest = [0] * (len(sizes) + 1)
        for index in range(len(sizes) - 1, -1, -1):
            rest[index] = rest[index + 1] + sizes[index]
        found: list[_Way] = []
        bound = min(MOST_STEPS, self._left)
        stack: list[tuple[int, int, tuple[int, ...]]] = [(0, wanted, ())]
        steps = 0
        while stack and len(found) <= MOST_ALTERNATIVES:
            index, left, taken = stack.pop()
            steps += 1
            if steps > bound:
                self._left -= steps
                return None
            if left == 0:
                found.append(tuple(sorted(ordered[each].key for each in taken)))
            elif index < len(sizes) and rest[index] >= left:
                stack.append((index + 1, left, taken))
                if sizes[index] <= left:
                    stack.append((index + 1, left - sizes[index], (*taken, index)))
        self._left -= steps
        return sorted(found)


def _by_channel_net(pool: _Pool) -> None:
    """Money in at a bank for all that came and went at a channel on some days on end."""
    waiting: dict[str, dict[int, list[Movement]]] = defaultdict(lambda: defaultdict(list))
    for leg in pool.legs.values():
        if leg.channel:
            waiting[leg.account][leg.day].append(leg)
    spans: dict[int, list[_Span]] = defaultdict(list)
    for account, by_day in waiting.items():
        for span in _spans(account, by_day):
            if span.net > 0:
                spans[span.net].append(span)
    found = []
    for line in pool.lines.values():
        ways = [
            span
            for span in spans.get(line.amount, ())
            if span.account != line.account and 0 <= line.day - span.last <= PAYOUT_DAYS
        ]
        if ways:
            keys = [tuple(leg.key for day in span.days for leg in waiting[span.account][day]) for span in ways]
            found.append(_Found(line.key, keys, [key for way in keys for key in way]))
    _settle(pool, "channel-net/1", found, True)


class _Span(NamedTuple):
    """Days on end at a channel, those without movements left out, and what they come to."""

    account: str
    days: tuple[int, ...]
    net: int

    @property
    def last(self) -> int:
        return self.days[-1]


def _spans(account: str, by_day: Mapping[int, Collection[Movement]]) -> Iterator[_Span]:
    days = sorted(by_day)
    nets = [sum(leg.amount for leg in by_day[day]) for day in days]
    for first in range(len(days)):
        net = 0
        for last in range(first, min(first + PAYOUT_DAYS, len(days))):
            net += nets[last]
            yield _Span(account, tuple(days[first : last + 1]), net)


class _Days:
    """Movements of one sort by day."""

    __slots__ = ("_days", "all")

    def __init__(self, movements: list[Movement]) -> None:
        movements.sort(key=lambda each: (each.day, each.key))
        self.all = movements
        self._days = [each.day for each in movements]

    def bounds(self, day: int, window: int) -> tuple[int, int]:
        """Where those at most `window` days before or after begin and end in `all`."""
        return bisect_left(self._days, day - window), bisect_right(self._days, day + window)

    def covered(self, bounds: Iterable[tuple[int, int]]) -> Iterator[Movement]:
        """Those within any of the bounds, each once."""
        reached = 0
        for low, high in sorted(bounds):
            yield from self.all[max(low, reached) : high]
            reached = max(reached, high)


def _by_account_and_amount(movements: Iterable[Movement]) -> dict[tuple[str, int], _Days]:
    return _sorted_out(movements, lambda each: (each.account, each.amount))


def _by_account_and_side(movements: Iterable[Movement]) -> dict[tuple[str, int], _Days]:
    return _sorted_out(movements, lambda each: (each.account, each.amount > 0))


def _sorted_out(
    movements: Iterable[Movement], sort: Callable[[Movement], tuple[str, int]]
) -> dict[tuple[str, int], _Days]:
    sorts: dict[tuple[str, int], list[Movement]] = defaultdict(list)
    for each in movements:
        sorts[sort(each)].append(each)
    return {name: _Days(found) for name, found in sorts.items()}
