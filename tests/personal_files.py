"""Files rich in personal values, for tests of what becomes of them."""

from __future__ import annotations

from pathlib import Path

HEADS = {
    "funds": "fund_id,name",
    "hospitals": "hospital_id,name",
    "cases": "case_id,fund_id,hospital_id,person_id,household_id,disease,beneficiary_name,beneficiary_id_no,"
    "guardian_name,guardian_phone",
    "donations": "donation_id,fund_id,amount,received_on,donor_id,donor_name,donor_phone,donor_id_no,restriction,"
    "nature",
    "allocations": "allocation_id,case_id,amount,allocated_on",
    "hospital-payments": "payment_id,hospital_id,paid_on,case_id,amount",
}
COLUMNS = ("donor_id", "person_id", "household_id", "case_id")
ALL_COLUMNS = tuple(part for column in COLUMNS for part in ("--pseudonymise", column))
NAMES = ("欧阳震华甲子", "司马相如乙丑", "诸葛孔明丙寅", "西门吹雪丁卯", "上官婉儿戊辰", "慕容复己巳")
PHONES = ("13812345601", "13812345602", "13812345603", "13812345604")
CARDS = ("110101199003074514", "110101201803074512", "440524188001010014")
MAILS = ("ouyang.zhenhua@example.org",)
CASE_NOS = ("病案号甲乙丙丁戊", "户口簿子丑寅卯辰")


def rich_files(folder: Path) -> list[str]:
    """Files with every personal column, some rows of which are bad in as many ways as there are messages."""
    n, p, c = NAMES, PHONES, CARDS
    rows = {
        "funds": ["F,基金"],
        "hospitals": ["H,医院"],
        "cases": [
            f"{CASE_NOS[0]},F,H,{c[1]},{CASE_NOS[1]},VSD,{n[0]},{c[1]},{n[1]},{p[0]}",
            f"{CASE_NOS[0]}二,F,H,{c[1]},{CASE_NOS[1]},VSD,{n[0]},{c[1]},{n[1]},{p[0]}",
            f"C3,F,H,{c[2]},,NOPE,{n[2]},,,",
            f"C4,F,nowhere,,,VSD,{n[2]}\u0007,,,{p[1]}",
        ],
        "donations": [
            f"D1,F,100,2026-01-02,{p[1]},{n[3]},{p[1]},{c[0]},,",
            f"D2,F,100,2026-01-03,{MAILS[0]},{n[4]},{p[2]},,,",
            f"D1,F,101,2026-01-02,{p[1]},{n[3]},{p[1]},{c[0]},,",
            f"D3,F,5,2026-01-04,,{n[5]},{p[3]},,person={c[1]},agency",
            f"D4,F,x,2026-01-02,{p[2]},{n[4]},{p[2]},{c[0]},,",
            f"D5,F,1,2026-01-02,{p[2]},{'长' * 999}{n[4]},,,,",
            f"D6,nowhere,1,2026-01-02,{p[2]},{n[4]},{p[3]},,,",
            f"D7,F,1,2026-01-02,{p[3]},{n[4]},{p[3]},,person={c[1]},own",
        ],
        "allocations": [
            f"A1,{CASE_NOS[0]},10,2026-02-02",
            f"A2,{CASE_NOS[1]},10,2026-02-02",
            f"A3,{c[0]},1,2026-02-02",
        ],
    }
    arguments = []
    for kind, lines in rows.items():
        path = folder / f"{kind}.csv"
        encoding = "gb18030" if kind == "cases" else "utf-8"
        path.write_bytes("\n".join([HEADS[kind], *lines]).encode(encoding))
        arguments.append(f"{kind}={path}")
    headless = folder / "headless.csv"
    headless.write_text(f"D1,F,100,2026-01-02,{PHONES[1]},{NAMES[3]}\n", "utf-8")
    return arguments
