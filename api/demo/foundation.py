"""Who and what there is in the made-up foundation: funds, provinces, hospitals, diseases, givers. Amounts in fen."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import NamedTuple

YUAN = 100

Restriction = tuple[tuple[str, tuple[str, ...]], ...]


class Fund(NamedTuple):
    """A fund: its share of the gifts in percent, its fee in basis points."""

    id: str
    name: str
    fee_bp: int
    weight: int


HEART, NEWBORN, WEST, CARE, GENERAL = "heart", "newborn", "west", "care", "general"
FUNDS = (
    Fund(HEART, "先心病救助专项基金", 500, 54),
    Fund(NEWBORN, "新生儿复杂先心病专项基金", 500, 19),
    Fund(WEST, "西部儿童先心病专项基金", 300, 16),
    Fund(CARE, "患儿家庭关怀专项基金", 500, 6),
    Fund(GENERAL, "非限定资金", 0, 5),
)

WESTERN = ("500000", "510000", "520000", "530000", "540000", "610000", "620000", "630000", "640000", "650000")
PROVINCES = {
    "410000": ("河南", 12),
    "510000": ("四川", 9),
    "520000": ("贵州", 8),
    "530000": ("云南", 8),
    "620000": ("甘肃", 7),
    "450000": ("广西", 6),
    "430000": ("湖南", 6),
    "130000": ("河北", 5),
    "340000": ("安徽", 5),
    "360000": ("江西", 5),
    "610000": ("陕西", 4),
    "630000": ("青海", 4),
    "650000": ("新疆", 4),
    "420000": ("湖北", 3),
    "370000": ("山东", 3),
    "440000": ("广东", 3),
    "540000": ("西藏", 2),
    "500000": ("重庆", 2),
    "640000": ("宁夏", 2),
    "140000": ("山西", 2),
    "150000": ("内蒙古", 2),
    "230000": ("黑龙江", 2),
    "220000": ("吉林", 1),
    "210000": ("辽宁", 1),
    "350000": ("福建", 1),
    "320000": ("江苏", 1),
    "330000": ("浙江", 1),
    "460000": ("海南", 1),
    "110000": ("北京", 1),
    "310000": ("上海", 1),
    "120000": ("天津", 1),
}
"""Where children come from, with weights."""

HOSPITAL_PROVINCES = (
    *("410000", "510000", "110000", "440000", "530000", "610000", "310000", "520000", "620000", "420000", "430000"),
    *("450000", "340000", "370000", "650000", "630000", "130000", "360000", "330000", "320000", "210000", "500000"),
    *("230000", "150000", "640000", "540000", "350000", "220000", "140000", "460000"),
)
"""In the order in which agreements with hospitals were made."""
HOSPITAL_KINDS = ("儿童医院", "心血管病医院")
LATE_HOSPITALS = ("H02", "H05", "H07")
"""They account for the money months later than the others."""


class Hospital(NamedTuple):
    """A hospital that takes the foundation's children."""

    id: str
    name: str
    province: str


def hospitals(count: int) -> list[Hospital]:
    """The first so many hospitals."""
    found = []
    for n in range(count):
        kind, at = divmod(n, len(HOSPITAL_PROVINCES))
        province = HOSPITAL_PROVINCES[at]
        name = f"{PROVINCES[province][0]}示例{HOSPITAL_KINDS[kind % len(HOSPITAL_KINDS)]}"
        found.append(Hospital(f"H{n + 1:02}", name, province))
    return found


DISEASES = {
    "VSD_PM": 160,
    "ASD_II": 140,
    "PDA": 100,
    "TOF": 90,
    "VSD": 80,
    "PS": 50,
    "VSD_ASD": 40,
    "ASD": 40,
    "VSD_PDA": 30,
    "DORV_VSD": 30,
    "AVSD_C": 30,
    "TAPVC_SUPRA": 30,
    "COA_VSD": 25,
    "TGA_IVS": 20,
    "TGA_VSD": 20,
    "COA_SIMPLE": 20,
    "PFO": 20,
    "PA_VSD": 20,
    "AVSD_P": 20,
    "TAPVC_CARDIAC": 10,
    "DORV_TOF": 10,
    "PA_IVS": 10,
    "SV": 10,
    "IAA_A": 10,
    "HLHS": 5,
}
"""Diagnoses with weights; every other disease of the dictionary has weight 1."""

AGE_BANDS = {"0-28d": 8, "29d-1": 27, "1-3": 38, "4-6": 17, "7-12": 8, "13": 1, "14-17": 1}
INFANTS = ("0-28d", "29d-1")

COSTS: dict[str, tuple[tuple[int, int, int], ...]] = {
    "CYANOTIC": ((12_000, 24_000, 70), (24_000, 45_000, 30)),
    "OBSTRUCTIVE": ((9_000, 20_000, 80), (20_000, 32_000, 20)),
    "": ((6_000, 12_000, 60), (12_000, 20_000, 40)),
}
"""What the foundation pays for a child, by class of disease: from, to (yuan), weight. The mean is about 15,000."""

CHANNELS = {"wechat": 58, "alipay": 30, "web": 12}

GIFTS = (
    (100, 100, 2_300),
    (101, 499, 1_300),
    (500, 500, 1_400),
    (666, 666, 300),
    (520, 990, 700),
    (1_000, 1_000, 1_900),
    (1_001, 1_999, 400),
    (2_000, 2_000, 700),
    (5_000, 5_000, 700),
    (6_600, 6_600, 100),
    (10_000, 10_000, 400),
    (20_000, 20_000, 100),
    (52_000, 52_000, 25),
    (100_000, 100_000, 30),
    (100_100, 500_000, 8),
    (500_000, 5_000_000, 1),
)
"""What is given online: from, to (fen), weight. Heavy-tailed; the mean is about ¥25."""

MONTHLY_GIFTS = (1_000, 1_000, 2_000, 3_000, 3_000, 5_000, 5_000, 10_000)

APPEALS: tuple[tuple[str, Restriction], ...] = (
    (HEART, (("province", ("410000",)),)),
    (HEART, (("province", ("450000",)),)),
    (HEART, (("disease", ("TOF",)),)),
    (HEART, (("age_band", ("4-6",)),)),
    (NEWBORN, (("age_band", ("0-28d",)),)),
    (NEWBORN, (("disease", ("TGA", "TAPVC")),)),
    (WEST, (("province", ("540000", "630000")),)),
    (WEST, (("province", ("620000",)),)),
    (WEST, (("age_band", ("1-3",)), ("province", ("520000", "530000")))),
)
"""Appeals on which some online gifts are made: the fund and what its money is for."""

AGREEMENTS: tuple[tuple[str, Restriction], ...] = (
    (HEART, (("disease", ("SHUNT",)),)),
    (HEART, (("province", ("410000", "130000")),)),
    (NEWBORN, (("disease", ("CYANOTIC",)),)),
    (WEST, (("province", WESTERN),)),
    (HEART, (("age_band", ("0-1", "1-3")), ("disease", ("VSD", "ASD", "PDA")))),
    (HEART, (("province", ("340000", "360000", "430000")),)),
    (WEST, (("disease", ("SHUNT",)), ("province", ("520000", "530000", "620000")))),
    (NEWBORN, (("age_band", ("0-1",)), ("province", ("410000", "430000", "450000")))),
    (HEART, (("hospital", ("H01",)),)),
    (HEART, (("province", ("460000",)),)),
)
"""What large donors agree on, in turn. Of the last hardly anything can be used: its purpose is changed in the year."""

BANK = "bank-main"
"""The account that the foundation pays from."""
SURNAMES = "王李张刘陈杨赵黄周吴徐孙马朱胡郭何林高罗"
GIVEN_NAMES = ("雨桐", "子轩", "一诺", "浩然", "思源", "小满", "安安", "明月", "乐乐", "梓涵", "星辰", "平安")


def person_name(random: Random) -> str:
    """A made-up name."""
    return random.choice(SURNAMES) + random.choice(GIVEN_NAMES)


def between(random: Random, bands: Sequence[tuple[int, int, int]]) -> int:
    """A whole number out of bands `(from, to, weight)`, both ends included."""
    [(lo, hi, _)] = random.choices(bands, [weight for _, _, weight in bands])
    return random.randint(lo, hi)


def weighted(random: Random, weights: dict[str, int]) -> str:
    """One of the names, by weight."""
    return random.choices(list(weights), list(weights.values()))[0]
