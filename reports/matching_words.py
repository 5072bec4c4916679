"""A reconciliation in words and for programs: what matched by which rule, what a person has to decide, what is left."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import date
from typing import Any

from ledger.money import format_amount
from reports.bank_desk import Idea
from reports.banking.amounts import decimal_text
from reports.banking.words import Both
from reports.cash_legs import Sides
from reports.reconcile import Key, Match, Movement, Reconciliation
from reports.traces import Reader

RULES_ZH = {
    "reference/1": "凭证号一致",
    "amount-day/1": "金额与日期一致",
    "subset/1": "多笔合计一致",
    "channel-net/1": "渠道净额结算一致",
}
MOST_SHOWN = 20


def match_lines(found: Reconciliation, sides: Sides, exponent: int) -> Iterator[Both]:
    """The reconciliation for people: counts first, then what they have to look at, the first few of each."""
    tell = _Tell(sides, exponent)
    for rule, times in Counter(match.rule for match in found.matches).items():
        yield Both(f"✓ {RULES_ZH[rule]}（{rule}）：{times} 组", f"✓ {rule}: {times} groups")
    for suggestion in found.suggestions[:MOST_SHOWN]:
        first, ways = suggestion.alternatives[0], suggestion.ways
        apart = f"，相差 {format_amount(suggestion.difference, exponent)}" if suggestion.difference else ""
        apart_en = f", {format_amount(suggestion.difference, exponent)} apart" if suggestion.difference else ""
        yield Both(
            f"? 建议（{first.rule}，{ways} 种可能{apart}）：{tell.match(first)}",
            f"? suggested ({first.rule}, {ways} ways{apart_en}): {tell.match(first)}",
        )
    for given_up in found.given_up[:MOST_SHOWN]:
        which = tell.line(given_up.key) if given_up.is_line else tell.leg(given_up.key)
        yield Both(
            f"? 未搜索完（{given_up.rule}，{given_up.candidates} 个候选）：{which}",
            f"? search given up ({given_up.rule}, {given_up.candidates} candidates): {which}",
        )
    for line in found.lines_left[:MOST_SHOWN]:
        yield Both(f"✗ 流水无对应分录：{tell.line(line.key)}", f"✗ a line without an entry: {tell.line(line.key)}")
    for leg in found.legs_left[:MOST_SHOWN]:
        yield Both(f"✗ 分录无对应流水：{tell.leg(leg.key)}", f"✗ an entry without a line: {tell.leg(leg.key)}")
    yield Both(
        f"已匹配 {len(found.matches)} 组，建议 {len(found.suggestions)} 组，剩余流水 {len(found.lines_left)} 笔、"
        f"分录收付 {len(found.legs_left)} 笔，未搜索完 {len(found.given_up)} 次",
        f"{len(found.matches)} matched, {len(found.suggestions)} suggested, {len(found.lines_left)} lines and "
        f"{len(found.legs_left)} legs left, {len(found.given_up)} searches given up",
    )


def idea_lines(idea: Idea, reader: Reader) -> Iterator[Both]:
    """A suggestion for people: by which rule, and the ways with their entries, the first few of each."""
    rule = RULES_ZH[idea.rule]
    apart = reader.money(idea.difference)
    yield Both(
        f"  ? 待确认：{rule}（{idea.rule}），{idea.ways} 种可能{f'，相差 {apart}' if idea.difference else ''}",
        f"  ? suggested by {idea.rule}, {idea.ways} ways{f', {apart} apart' if idea.difference else ''}",
    )
    for way in idea.alternatives:
        lines = ", ".join(line.name for line in way.shown_lines)
        legs = ", ".join(f"#{leg.seq} {leg.stream} {leg.on} {reader.money(leg.amount)}" for leg in way.shown_legs)
        text = f"    {lines}{'…' * (len(way.lines) > MOST_SHOWN)} = {legs}{'…' * (len(way.legs) > MOST_SHOWN)}"
        yield Both(text, text)


def match_members(found: Reconciliation, sides: Sides, exponent: int) -> dict[str, Any]:
    """The same for programs, whole: amounts as decimal text."""
    tell = _Tell(sides, exponent)
    return {
        "matches": [{"rule": match.rule, **tell.members(match)} for match in found.matches],
        "suggestions": [
            {
                "rule": one.rule,
                "ways": one.ways,
                "difference": decimal_text(one.difference, exponent),
                "alternatives": [tell.members(way) for way in one.alternatives],
            }
            for one in found.suggestions
        ],
        "given_up": [
            {
                "rule": one.rule,
                "line" if one.is_line else "leg": (tell.line_member if one.is_line else tell.leg_member)(one.key),
                "candidates": one.candidates,
                "cut_off": one.cut_off,
            }
            for one in found.given_up
        ],
        "unmatched": {
            "lines": [tell.line_member(line.key) for line in found.lines_left],
            "legs": [tell.leg_member(leg.key) for leg in found.legs_left],
        },
    }


class _Tell:
    """Says lines as `B7/3` and legs as `entry 12, payment/P1`, with day, account and amount."""

    def __init__(self, sides: Sides, exponent: int) -> None:
        self._sides, self._exponent = sides, exponent

    def line(self, key: Key) -> str:
        return f"B{key[0]}/{key[1]} {self._figures(self._sides.line(key))}"

    def leg(self, key: Key) -> str:
        return f"#{key[0]} {self._sides.streams[key[0]]} {self._figures(self._sides.leg(key))}"

    def match(self, match: Match) -> str:
        """Both sides, the longer one as its number and sum."""
        lines = self.line(match.lines[0]) if len(match.lines) == 1 else f"{len(match.lines)} × B{match.lines[0][0]}/…"
        legs = self.leg(match.legs[0]) if len(match.legs) == 1 else f"{len(match.legs)} × #{match.legs[0][0]}, …"
        return f"{lines} ↔ {legs}"

    def members(self, match: Match) -> dict[str, Any]:
        return {
            "lines": [self.line_member(key) for key in match.lines],
            "legs": [self.leg_member(key) for key in match.legs],
        }

    def line_member(self, key: Key) -> dict[str, Any]:
        return {"statement": f"B{key[0]}", "ordinal": key[1], **self._member(self._sides.line(key))}

    def leg_member(self, key: Key) -> dict[str, Any]:
        return {
            "seq": key[0],
            "leg": key[1],
            "stream": self._sides.streams[key[0]],
            **self._member(self._sides.leg(key)),
        }

    def _member(self, one: Movement) -> dict[str, Any]:
        amount = decimal_text(one.amount, self._exponent)
        return {"account": one.account, "on": date.fromordinal(one.day), "amount": amount}

    def _figures(self, one: Movement) -> str:
        return f"{date.fromordinal(one.day)} {one.account} {format_amount(one.amount, self._exponent)}"
