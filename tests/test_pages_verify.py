"""验证: the browser itself tells honest receipts from tampered ones as `audit/verify.py` does, online and offline."""

from __future__ import annotations

import json
import re
from base64 import b64decode, b64encode
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from exports import LOG, NEXT, OTHER, Made, head, signer
from pages import DESK, PHONE, CheckAxe, Look, Windows
from serving import Served
from test_audit_verify_chain import ORIGIN
from test_audit_verify_export import cosigner
from test_audit_verify_receipt import NAME, story

from api.bootstrap import log_of
from audit import verify
from reports.traces import Reader
from reports.verifying_page import page_alone

if TYPE_CHECKING:
    from playwright.sync_api import Page

SEQ = 4
WITNESS = verify.Key("w.example", verify.COSIGNATURE, NEXT.verifier.public)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """An export of twelve entries; entry 3 commits to its donor's name."""
    return Made.of(tmp_path_factory.mktemp("made"), story(), (8,))


def policy_of(made: Made) -> str:
    return (made.folder / "policy").read_text()


def written(folder: Path, made: Made, language: str = "zh") -> str:
    """The address of the page that is a file."""
    path = folder / f"verify-{language}.html"
    path.write_text(page_alone(policy_of(made), ORIGIN, Reader(language)), "utf-8")
    return path.as_uri()


# Receipts that were tampered with, each with what is wrong in words


def entry_changed(receipt: bytes, change: Callable[[bytes], bytes]) -> bytes:
    """The receipt around another entry."""
    extra = re.search(rb"extra (\S+)", receipt)
    assert extra is not None
    members = json.loads(b64decode(extra[1]))
    members["entry"] = b64encode(change(b64decode(members["entry"]))).decode()
    return receipt.replace(extra[1], b64encode(json.dumps(members).encode()))


def flipped(receipt: bytes, pattern: bytes) -> bytes:
    """The receipt with one bit of the base64 that the pattern's group finds turned round."""
    found = re.search(pattern, receipt, re.MULTILINE)
    assert found is not None
    value = bytearray(b64decode(found[1]))
    value[7] ^= 1
    return receipt.replace(found[1], b64encode(value))


def signed_over(made: Made, entry: bytes) -> bytes:
    """A receipt of a log that signed this in the place of the entry."""
    return Made(Path(), [*made.entries[:SEQ], entry, *made.entries[SEQ + 1 :]]).receipt(SEQ)


def with_head(receipt: bytes, note: bytes) -> bytes:
    return receipt.partition(b"\n\n")[0] + b"\n\n" + note


PATH_FAILS = ("到不了树根", "does not lead to the root")
Tampered = dict[str, tuple[bytes, tuple[str, str]]]


def tampered(made: Made) -> Tampered:
    """By what was done: the receipt, and what names it in Chinese and in English."""
    good, entry = made.receipt(SEQ), made.entries[SEQ]
    elsewhere = head(made.entries, signer(1, "example.org/b"), origin="example.org/b")
    assert b'"amount":101' in entry
    return {
        "a byte of the amount": (
            entry_changed(good, lambda raw: raw.replace(b'"amount":101', b'"amount":901')),
            PATH_FAILS,
        ),
        "a hash of the path": (flipped(good, rb"index 4\n(\S+)"), PATH_FAILS),
        "another index": (good.replace(b"index 4", b"index 5"), PATH_FAILS),
        "another root": (flipped(good, rb"\n12\n(\S+)"), ("的签名不对", "signature of")),
        "another signature": (flipped(good, rb"^\xe2\x80\x94 \S+ (\S+)$"), ("的签名不对", "signature of")),
        "another key under the name": (made.receipt(SEQ, OTHER), ("不是所认可的那一把", "not the one you trust")),
        "another ledger's head": (with_head(good, elsewhere), ("另一个账本", "another ledger's receipt")),
        "cut short": (good[: len(good) // 2], ("不是", "not")),
        "another way of writing": (
            signed_over(made, entry.replace(b'":', b'": ', 1)),
            ("不是规范 JSON", "not canonical JSON"),
        ),
        "another entry": (entry_changed(good, lambda raw: made.entries[SEQ + 1]), PATH_FAILS),
        "an older head": (with_head(good, head(made.entries[:8])), PATH_FAILS),
        "an entry of another place": (
            signed_over(made, made.entries[SEQ + 1]),
            ("凭据说是第 4 条", "the receipt says 4"),
        ),
        "another person's name": (made.receipt(3, openings=[{**NAME, "value": "李四"}]), ("承诺值不符", "commits to")),
        "other line ends": (good.replace(b"\n", b"\r\n"), ("CRLF", "CRLF")),
    }


def code_of(receipt: bytes, made: Made, trust: verify.Policy | None = None) -> int:
    """What `audit/verify.py` says of a receipt: 0 holds, 1 does not, 2 unusable."""
    try:
        verify.check_receipt(verify.read_receipt(receipt), trust or verify.read_policy(policy_of(made).encode()))
    except verify.Unusable:
        return 2
    except verify.Refuted:
        return 1
    return 0


VERDICTS = {0: "pass", 1: "fail", 2: "none"}


def give(page: Page, receipt: bytes) -> str:
    """Gives the page a receipt; its verdict."""
    page.evaluate("delete document.getElementById('verify-result').dataset.verdict")
    page.set_input_files("input[name=receipt]", {"name": "r.tlog-proof", "mimeType": "text/plain", "buffer": receipt})
    return settled(page)


def settled(page: Page) -> str:
    page.locator("#verify-result[data-verdict]:not(:has(li.wait))").wait_for()
    found = page.get_attribute("#verify-result", "data-verdict")
    assert found is not None
    return found


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_page_from_the_disk_tells_honest_receipts_from_tampered_ones(
    window: Windows, tmp_path: Path, made: Made, language: str
) -> None:
    page = window(offline=True)
    page.goto(written(tmp_path, made, language))
    for seq, openings in ((SEQ, []), (0, []), (11, []), (3, [NAME])):
        assert give(page, made.receipt(seq, openings=openings)) == "pass", seq
        assert page.locator("#verify-steps li.pass").count() == (7 if openings else 6)
    for name, (receipt, words) in tampered(made).items():
        assert give(page, receipt) == VERDICTS[code_of(receipt, made)] != "pass", name
        assert words[language == "en"] in page.inner_text("#verify-result"), name


def test_no_changed_byte_passes_in_the_browser_and_both_verifiers_agree(
    window: Windows, tmp_path: Path, made: Made
) -> None:
    good = made.receipt(3, openings=[NAME])
    tried = [good[:at] + bytes([good[at] ^ bit]) + good[at + 1 :] for at in range(0, len(good), 3) for bit in (1, 32)]
    tried += (
        [good[:at] for at in range(0, len(good), 40)] + [receipt for receipt, _ in tampered(made).values()] + [good]
    )
    page = window(offline=True)
    page.goto(written(tmp_path, made))
    codes = page.evaluate(
        """async ([receipts, policy]) => Promise.all(receipts.map(async one =>
            (await fenhao.verify(Uint8Array.from(atob(one), c => c.charCodeAt(0)), policy)).code))""",
        [[b64encode(one).decode() for one in tried], policy_of(made)],
    )
    assert codes == [code_of(one, made) for one in tried]
    assert codes[-1] == 0
    assert 0 not in codes[:-1]


def test_what_the_reader_knows_is_held_against_the_entry(page: Page, tmp_path: Path, made: Made) -> None:
    page.goto(written(tmp_path, made))
    page.get_by_text("我所知道的这笔善款").click()
    receipt = made.receipt(SEQ)
    for name, right, wrong, words in (
        ("amount", "1.01", "1.02", "金额不符：分录是 1.01，您填写的是 1.02"),
        ("on", "2026-02-01", "2026-02-02", "日期不符：分录是 2026-02-01"),
        ("serials", "t1:100-201", "t1:100-202", "号段不符：分录中没有 t1:100-202"),
    ):
        page.fill(f"[name={name}]", wrong)
        assert give(page, receipt) == "fail"
        assert page.inner_text("#verify-verdict") == "凭据成立，但与您所知不符"
        assert words in page.inner_text("#verify-said")
        page.fill(f"[name={name}]", right)
        assert give(page, receipt) == "pass"
    page.fill("[name=amount]", "much")
    assert give(page, receipt) == "none"
    assert "金额应写作 200.00" in page.inner_text("#verify-said")


def test_the_readers_own_key_or_policy_counts(page: Page, tmp_path: Path, made: Made) -> None:
    page.goto(written(tmp_path, made))
    page.get_by_text("认可谁的签名", exact=True).click()
    receipt, key = made.receipt(SEQ), str(LOG.verifier)
    for policy, verdict, words in (
        (key, "pass", "公钥"),
        (f"log {key}\nquorum none", "pass", "公钥"),
        (str(OTHER.verifier), "fail", "不是所认可的那一把"),
        (f"log {key}\nwitness w {WITNESS}\nquorum w", "fail", "见证签名不足信任策略要求的 w"),
        (f"log {key}", "none", "没有 log 行或 quorum 行"),
        ("log nonsense\nquorum none", "none", "这一行无法使用"),
    ):
        page.fill("[name=policy]", policy)
        assert give(page, receipt) == verdict, policy
        assert words in page.inner_text("#verify-result")


def test_witnesses_count_as_the_policy_says_in_both_verifiers(page: Page, tmp_path: Path, made: Made) -> None:
    page.goto(written(tmp_path, made))
    page.get_by_text("认可谁的签名", exact=True).click()
    plain, (one, first), (two, second) = made.receipt(SEQ), cosigner(21), cosigner(22)
    named = f"log {LOG.verifier}\nwitness a {one}\nwitness b {two}\n"
    groups = {"some": "group some any a b\n", "both": "group both all a b\n", "none": ""}
    cosigned = plain + first(made.entries)
    spoilt = plain + first(made.entries[:-1])
    for receipt, quorum, code, words in (
        (plain, "some", 1, "见证签名不足信任策略要求的 some"),
        (cosigned, "some", 0, "a 见证了同一份日志头"),
        (cosigned, "both", 1, "见证签名不足信任策略要求的 both"),
        (cosigned + second(made.entries), "both", 0, "a, b 见证了同一份日志头"),
        (spoilt, "none", 1, "w21.example 的签名不对"),
    ):
        page.fill("[name=policy]", f"{named}{groups[quorum]}quorum {quorum}")
        assert give(page, receipt) == VERDICTS[code], (quorum, words)
        assert words in page.inner_text("#verify-result")
        trust = verify.read_policy(f"{named}{groups[quorum]}quorum {quorum}\n".encode())
        assert code_of(receipt, made, trust) == code


NO_SUBTLE = "Object.defineProperty(Crypto.prototype, 'subtle', {get: () => undefined})"
NO_ED25519 = """
const whole = SubtleCrypto.prototype.importKey;
SubtleCrypto.prototype.importKey = function (...given) {
  if (given[2].name !== 'Ed25519') return whole.apply(this, given);
  return Promise.reject(new DOMException('', 'NotSupportedError'));
}
"""
AGREEING = "SubtleCrypto.prototype.verify = async () => true"


@pytest.mark.parametrize(
    ("lacking", "words"),
    [
        (NO_SUBTLE, "请改用 https 地址"),
        (NO_ED25519, "此浏览器不能核对 Ed25519 签名"),
        (AGREEING, "此浏览器不能核对 Ed25519 签名"),
    ],
    ids=["no crypto", "no Ed25519", "any signature will do"],
)
def test_a_browser_that_cannot_check_says_so_and_passes_nothing(
    page: Page, tmp_path: Path, made: Made, lacking: str, words: str
) -> None:
    page.add_init_script(lacking)
    page.goto(written(tmp_path, made))
    assert give(page, made.receipt(SEQ)) == "none"
    assert words in page.inner_text("#verify-said")
    assert page.locator("#verify-steps li").count() == 0


def test_the_pages_own_copy_on_disk_forgets_what_it_showed_and_still_works(
    window: Windows, served: Served, tmp_path: Path, made: Made
) -> None:
    """As browsers save a page, complete: what it shows at that moment, its files beside it."""
    page = window()
    page.goto(f"{served.url}/verify")
    page.get_by_text("认可谁的签名", exact=True).click()
    page.fill("[name=policy]", policy_of(made))
    page.evaluate(
        "document.querySelector('[name=policy]').defaultValue = document.querySelector('[name=policy]').value"
    )
    assert give(page, made.receipt(SEQ)) == "pass"
    text = page.content()
    for address, name in set(re.findall(r'"(/static/([\w.]+)\?v=\w+)"', text)):
        (tmp_path / name).write_bytes(served.client().get(address).content)
        text = text.replace(address, name)
    (tmp_path / "saved.html").write_text(text, "utf-8")
    saved = window(offline=True)
    saved.goto((tmp_path / "saved.html").as_uri())
    assert saved.locator("#verify-result").is_hidden()
    assert saved.locator("#verify-steps li").count() == 0
    assert give(saved, made.receipt(SEQ)) == "pass"
    assert give(saved, tampered(made)["a byte of the amount"][0]) == "fail"


@pytest.mark.parametrize(("width", "dark"), [(DESK, False), (PHONE, True)])
def test_it_can_be_read_by_everybody(
    window: Windows, tmp_path: Path, made: Made, look: Look, check_axe: CheckAxe, width: int, dark: bool
) -> None:
    page = window(width, dark=dark)
    page.goto(written(tmp_path, made))
    check_axe(page)
    look(page, f"verify-empty-{width}")
    give(page, made.receipt(3, openings=[NAME]))
    check_axe(page)
    look(page, f"verify-pass-{width}")
    give(page, tampered(made)["a byte of the amount"][0])
    check_axe(page)
    look(page, f"verify-fail-{width}")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "nothing to scroll sideways"


# On the site


def asked_for(served: Served, entry: int | None = None) -> str:
    return f"{served.url}/verify" + ("" if entry is None else f"?entry={entry}")


def test_the_site_fetches_a_donors_receipt_and_compares_it_with_todays_ledger(
    window: Windows, served: Served, look: Look, check_axe: CheckAxe
) -> None:
    members = {"donation": "V1", "fund": "F", "amount": "20.00", "on": "2026-03-01", "donor": "DN-V"}
    first = served.record("/v1/donations", **members)["seq"]
    log_of(served.fenhao).publish()
    kept = served.client("read", "log").get(f"/v1/entries/{first}/receipt").content
    gift = {"fund": "F", "amount": "1.00", "on": "2026-03-02"}
    facts = [{"fact": "DonationReceived", "data": {**gift, "donation": f"V{n}"}} for n in range(2, 300)]
    answer = served.post("/v1/batches", {"mode": "all", "facts": facts})
    assert answer.status_code == 200, answer.text
    log_of(served.fenhao).publish()
    page = window(cookie=served.donor("DN-V")["Cookie"], forgiven="403")
    page.goto(asked_for(served, first))
    assert settled(page) == "pass", page.inner_text("#verify-result")
    assert "20.00 CNY" in page.inner_text("#verify-entry")
    check_axe(page)
    look(page, "verify-online-1280")
    assert give(page, kept) == "pass"
    assert "原样在内" in page.inner_text("#step-today")
    for asker, words in ((page, "不涉及您的善款"), (window(forgiven="401"), "请先登录")):
        asker.goto(asked_for(served, first + 1))
        assert settled(asker) == "none"
        assert words in asker.inner_text("#verify-said")


def test_the_same_receipts_fail_on_the_site_as_from_the_disk(page: Page, served: Served, made: Made) -> None:
    page.route("**/log/checkpoint", lambda route: route.fulfill(body=head(made.entries)))
    page.goto(asked_for(served))
    page.get_by_text("认可谁的签名", exact=True).click()
    page.fill("[name=policy]", policy_of(made))
    assert give(page, made.receipt(SEQ)) == "pass"
    for name, (receipt, words) in tampered(made).items():
        assert give(page, receipt) == VERDICTS[code_of(receipt, made)] != "pass", name
        assert words[0] in page.inner_text("#verify-result"), name


def test_a_ledger_that_was_rewritten_since_is_found_out(window: Windows, served: Served, made: Made) -> None:
    page = window(forgiven="404")
    today: dict[str, bytes] = {}
    tiles = made.folder / "tile"
    page.route("**/log/checkpoint", lambda route: route.fulfill(body=today["head"]))
    page.route("**/log/tile/**", lambda route: route.fulfill(path=tiles / route.request.url.partition("/tile/")[2]))
    page.goto(asked_for(served))
    page.get_by_text("认可谁的签名", exact=True).click()
    page.fill("[name=policy]", policy_of(made))
    other = [*made.entries[:2], b"x", *made.entries[3:]]
    for now, size, verdict, words in (
        (made.entries, 5, "pass", "原样在内"),
        (made.entries, 8, "pass", "原样在内"),
        (other, 8, "fail", "历史被改写"),
        (other, 12, "fail", "历史被改写"),
        (made.entries[:9], 12, "fail", "账本被退回"),
    ):
        today["head"] = head(now)
        assert give(page, made.receipt(SEQ, size=size)) == verdict, (size, verdict)
        assert words in page.inner_text("#step-today")
