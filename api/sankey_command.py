"""`fenhao sankey`: where the money went, as a page, a picture or figures."""

from __future__ import annotations

from pathlib import Path

import click

from api.settings import Settings
from api.words import Words, common, looking_back
from ledger.errors import BadValue, OperatorFault

TOP = 24
"""As in `projections.flows`, which help need not wait for."""


class CannotWrite(OperatorFault):
    """The file to write cannot be written."""

    code = "cannot_write"
    zh = "无法写入 {path}：{reason}"
    en = "cannot write {path}: {reason}"


@click.command()
@click.option("--donor", metavar="D", help="只看一位捐赠人 / one donor's gifts alone")
@click.option("--fund", metavar="F", help="只看一个基金 / one fund's money alone")
@click.option("--case", metavar="C", help="只看一个个案 / what is there for one case alone")
@click.option("--from", "since", metavar="DATE", help="自该日起收到的捐赠 / gifts received from that day on")
@click.option("--to", "until", metavar="DATE", help="至该日止收到的捐赠 / gifts received up to that day")
@click.option("--by", metavar="STAFF", help="以脱敏姓名显示捐赠人：查阅人 / call donors by masked name: who reads")
@click.option("--reason", metavar="TEXT", help="查阅理由（留痕） / and why; it is logged")
@click.option(
    "--top",
    type=click.IntRange(1, 200),
    default=TOP,
    show_default=True,
    help="各列最多单列多少项，其余合并 / how many donors, funds, hospitals to tell apart",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    metavar="FILE.(html|svg|png|json)",
    help="写入此文件，按扩展名定格式 / write it here, as what its name ends in",
)
@looking_back
@common
def sankey(
    words: Words,
    settings: Settings,
    donor: str | None,
    fund: str | None,
    case: str | None,
    since: str | None,
    until: str | None,
    by: str | None,
    reason: str | None,
    top: int,
    out: Path,
    as_of: str | None,
    known_at: str | None,
) -> None:
    """善款流向图：捐赠人 → 专项基金 → 医院 → 去向 / Draw where the money went: donors, funds, hospitals, outcomes."""
    from api.bootstrap import assembled, reader_of, vantage_of
    from ledger.ids import check_id
    from ledger.times import parse_day
    from ledger.vault import Reader
    from projections.flows import Scope, flows
    from reports.figures import FORMATS, rendered
    from reports.masking import with_masked_donors

    kind = out.suffix.lower()
    if kind not in FORMATS:
        raise BadValue("out", out.name, f"a name that ends in {', '.join(FORMATS)}", f"扩展名应为 {'、'.join(FORMATS)}")
    for noun, named in (("donor", donor), ("fund", fund), ("case", case)):
        if named is not None:
            check_id(named, noun)
    days = (None if day is None else parse_day(day, name) for name, day in (("from", since), ("to", until)))
    scope = Scope(donor, fund, case, *days)
    if scope.since is not None and scope.until is not None and scope.since > scope.until:
        raise BadValue("to", until, "not before --from", "不得早于 --from")
    if (by is None) != (reason is None):
        raise BadValue("by", by or "-", "names are read by somebody for a reason: give both", "查阅人与理由须同时填写")
    with assembled(settings, words.status.wait) as fenhao:
        fenhao.runner.catch_up(progress=words.status.views)
        reader = reader_of(fenhao)
        found = flows(fenhao.journal, scope, top, vantage_of(fenhao, as_of, known_at))
        if by is not None and reason is not None:
            found = with_masked_donors(found, fenhao.vault, Reader(by, reason))
    words.status.clear()
    made = rendered(found, reader, kind)
    try:
        out.write_bytes(made)
    except OSError as error:
        raise CannotWrite(path=out, reason=error.strerror or str(error)) from error
    amount = reader.money(found.total)
    words.say(
        f"{amount} {reader.currency} 的流向图已写入 {out}（{len(found.nodes)} 个节点，{len(found.links)} 条流向）",
        f"the flows of {amount} {reader.currency} are in {out} ({len(found.nodes)} nodes, {len(found.links)} links)",
    )
    words.give({"out": str(out), "total": found.total, "nodes": len(found.nodes), "links": len(found.links)})
