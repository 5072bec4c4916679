"""Made-up statements in every format that is read, small enough to be added up by hand."""

from __future__ import annotations

import io
import zipfile
from typing import Any

MT940 = """\
:20:ST260901
:25:6222000011112222
:28C:9/1
:60F:C260901CNY1000,00
:61:2609020902C250,50NTRFDON-1//BK001
:86:166?00GUTSCHRIFT?20EREF+DON-1?31CN99?32Zhang San
:61:2609030903RC50,50NTRFNONREF//BK002
:86:reversal of a credit
:61:2609040904D100,NTRFHOSP-7//BK003
:86:to the hospital
:61:2609040904RD0,25NCHGNONREF//BK004
:62F:C260904CNY1100,25
-
"""
"""A credit, a credit taken back, a debit, a debit taken back."""

CAMT_ENTRY = """\
<Ntry><Amt Ccy="EUR">{amount}</Amt><CdtDbtInd>{side}</CdtDbtInd>{more}<Sts>BOOK</Sts>
<BookgDt><Dt>2026-09-02</Dt></BookgDt><ValDt><Dt>2026-09-03</Dt></ValDt><AcctSvcrRef>{ref}</AcctSvcrRef>
<NtryDtls><TxDtls><Refs><EndToEndId>E-{ref}</EndToEndId></Refs><RltdPties><Dbtr><Nm>Li Si</Nm></Dbtr>
<DbtrAcct><Id><IBAN>NL00X</IBAN></Id></DbtrAcct></RltdPties><RmtInf><Ustrd>for the children</Ustrd></RmtInf></TxDtls>
</NtryDtls></Ntry>"""
CAMT = """<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><BkToCstmrStmt><Stmt><Id>S-9</Id>
<Acct><Id><IBAN>DE00123</IBAN></Id><Ccy>EUR</Ccy></Acct>
<Bal><Tp><CdOrPrtry><Cd>OPBD</Cd></CdOrPrtry></Tp><Amt Ccy="EUR">100.00</Amt><CdtDbtInd>DBIT</CdtDbtInd>
<Dt><Dt>2026-09-01</Dt></Dt></Bal>
<Bal><Tp><CdOrPrtry><Cd>CLBD</Cd></CdOrPrtry></Tp><Amt Ccy="EUR">{closing}</Amt><CdtDbtInd>CRDT</CdtDbtInd>
<Dt><Dt>2026-09-30</Dt></Dt></Bal>
{entries}</Stmt></BkToCstmrStmt></Document>
"""

OFX = """\
OFXHEADER:100
DATA:OFXSGML
CHARSET:1252

<OFX><BANKMSGSRSV1><STMTTRNRS><STMTRS><CURDEF>USD<BANKACCTFROM><BANKID>1<ACCTID>998877</BANKACCTFROM>
<BANKTRANLIST><DTSTART>20260901<DTEND>20260930
<STMTTRN><TRNTYPE>CREDIT<DTPOSTED>20260902120000.000[-5:EST]<TRNAMT>12.30<FITID>F1<NAME>M\u00fcller &amp; S\u00f6hne
<ORIGCURRENCY><CURRATE>1.1<CURSYM>EUR</ORIGCURRENCY></STMTTRN>
<STMTTRN><TRNTYPE>DEBIT<DTPOSTED>20260903<TRNAMT>-2.00<FITID>F2<MEMO>fee</STMTTRN>
</BANKTRANLIST><LEDGERBAL><BALAMT>110.30<DTASOF>20260930</LEDGERBAL></STMTRS></STMTTRNRS></BANKMSGSRSV1></OFX>
"""

BANK_CSV = """\
某某银行交易明细,,,,,,
账号：6217 0000 1111,,,,,,
交易时间,借方发生额（支取）,贷方发生额（收入）,余额,对方户名,摘要,交易流水号
2026-09-03 10:00:00,30.00,,"1,070.50",市儿童医院,拨付,L3
2026-09-02 09:00:00,,100.50,"1,100.50",张三,捐款,L2
2026-09-02 09:00:00,,100.00,"1,000.00",王五,捐款,L1
合计,30.00,200.50,,,,
"""
"""Newest first, two lines in one second, a sum at the end."""

WECHAT_TRADES = """\
交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,\
货币种类,应结订单金额,代金券金额,微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,\
商品名称,商户数据包,手续费,费率,订单金额,申请退款金额,费率备注
`2026-09-02 08:00:00,`wx1,`1900001,`0,`,`42001,`DON-1,`openid-zhang,`JSAPI,`SUCCESS,`OTHERS,`CNY,`99.00,\
`1.00,`0,`0,`0.00,`0.00,`,`,`为孩子, 捐一笔,`,`0.60000,`0.60%,`100.00,`0.00,`
`2026-09-02 08:00:00,`wx1,`1900001,`0,`,`42002,`DON-2,`openid-zhang,`JSAPI,`SUCCESS,`OTHERS,`CNY,`50.00,\
`0.00,`0,`0,`0.00,`0.00,`,`,`捐款,`,`0.30000,`0.60%,`50.00,`0.00,`
`2026-09-03 08:00:00,`wx1,`1900001,`0,`,`42002,`DON-2,`openid-zhang,`JSAPI,`REFUND,`OTHERS,`CNY,`0.00,\
`0.00,`50001,`R-2,`50.00,`0.00,`ORIGINAL,`SUCCESS,`捐款,`,`-0.30000,`0.60%,`0.00,`50.00,`
总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额
`3,`149.00,`50.00,`0.00,`0.60000,`150.00,`50.00
"""

WECHAT_FUNDS = """\
记账时间,微信支付业务单号,资金流水单号,业务名称,业务类型,收支类型,收支金额(元),账户结余(元),资金变更提交申请人,备注,业务凭证号
`2026-09-02 08:00:00,`42001,`F1,`交易,`交易,`收入,`100.00,`600.00,`system,`结算,`DON-1
`2026-09-02 08:00:00,`42001,`F2,`扣除交易手续费,`扣除交易手续费,`支出,`0.60,`599.40,`system,`手续费,`DON-1
资金流水总笔数,收入笔数,收入金额,支出笔数,支出金额
`2,`1,`100.00,`1,`0.60
"""

ALIPAY_MOVEMENTS = """\
#支付宝账务明细查询
#账号：[20881234567890120156]
#起始日期：[2026年09月01日 00:00:00]   终止日期：[2026年10月01日 00:00:00]
#-----------------------------------------账务明细列表----------------------------------------
账务流水号,业务流水号,商户订单号,商品名称,发生时间,对方账号,收入金额（+元）,支出金额（-元）,账户余额（元）,交易渠道,业务类型,备注
9001\t,20260902\t,DON-1\t,捐款\t,2026-09-02 09:00:05,*测 (138****0000)\t,100.00,0.00,150.00,支付宝,在线支付,
9002\t,20260902\t,DON-1\t,\t,2026-09-02 09:00:05,支付宝\t,0.00,-0.60,149.40,支付宝,收费,
#-----------------------------------------账务明细列表结束------------------------------------
#支出合计：1笔，共-0.60元
#收入合计：1笔，共100.00元
#导出时间：[2026年10月02日 05:46:49]
"""

ALIPAY_TRADES = """\
#支付宝业务明细查询
#账号：[20881234567890120156]
#-----------------------------------------业务明细列表----------------------------------------
支付宝交易号,商户订单号,业务类型,商品名称,创建时间,完成时间,对方账户,订单金额（元）,商家实收（元）,退款批次号/请求号,服务费（元）,备注
A1\t,DON-1\t,交易,捐款,2026-09-02 09:00:00,2026-09-02 09:00:05,*测(138****0000)\t,100.00,99.00,,-0.60,
A1\t,DON-1\t,退款,捐款,2026-09-03 09:00:00,2026-09-03 09:00:05,*测(138****0000)\t,-40.00,-40.00,R1,0.24,
#-----------------------------------------业务明细列表结束------------------------------------
#交易合计：1笔，商家实收共99.00元，商家优惠共0.00元
#退款合计：1笔，商家实收退款共-40.00元，商家优惠退款共0.00元
#导出时间：[2026年10月02日 05:46:49]
"""

ALIPAY_SUMMARY = "#支付宝账务汇总查询\n#账号：[20881234567890120156]\n类型,笔数\n收入,1\n#列表结束\n"

MAPPED = "Datum;Betrag;Saldo;Wer\n02.09.2026;1.250,50;1.350,50;Li Si\n03.09.2026;-50,50;1.300,00;Spital\n"


def camt(closing: str, *entries: str) -> bytes:
    """A camt.053 file that opens with 100.00 overdrawn."""
    return CAMT.format(closing=closing, entries="".join(entries)).encode()


def entry(amount: str, side: str, ref: str, more: str = "") -> str:
    """One entry of it."""
    return CAMT_ENTRY.format(amount=amount, side=side, ref=ref, more=more)


def zipped(**members: str) -> bytes:
    """A zip archive of GBK texts."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in members.items():
            archive.writestr(name, text.encode("gb18030"))
    return buffer.getvalue()


def workbook(rows: list[list[Any]], sheet: str = "") -> bytes:
    """The smallest .xlsx that holds the rows: text inline, numbers as numbers; or a sheet's data as given."""
    data = sheet or "".join(
        f'<row r="{n}">' + "".join(_cell(value, n, c) for c, value in enumerate(row)) + "</row>"
        for n, row in enumerate(rows, 1)
    )
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006"
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{package}/content-types">'
        '<Default Extension="xml" ContentType="application/xml"/><Override PartName="/xl/workbook.xml" '
        'ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{package}/relationships"><Relationship Id="r1" '
        f'Type="{office}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{office}"><sheets>'
        '<sheet name="s" sheetId="1" r:id="r1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{package}/relationships"><Relationship Id="r1" '
        f'Type="{office}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
        "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{main}"><sheetData>{data}</sheetData></worksheet>',
    }
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in parts.items():
            archive.writestr(name, text)
    return buffer.getvalue()


def _cell(value: Any, row: int, column: int) -> str:
    reference = f"{chr(65 + column)}{row}"
    if isinstance(value, str):
        return f'<c r="{reference}" t="inlineStr"><is><t>{value}</t></is></c>'
    return f'<c r="{reference}"><v>{value}</v></c>'
