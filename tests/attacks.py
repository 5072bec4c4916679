"""The table of attacks: what somebody does to a ledger, which check catches it, and what it says.

A section says what the attacker holds. A row is a name; the deed, done to a copy of an honest export or receipt; the
check, a function of `audit/verify.py`; and words of what it says. `test_attacks.py` does each deed, asks `verify.py`,
and asks it again without that one check (`silencing.py`): then the attack must pass, or else be caught by the checks in
`also`, each for a reason of its own; without those too, it passes. A row without a check is an attack that looks like
honest work: `docs/trust.md` says what covers it.

`law` is the law of the money that is broken, as `docs/trust.md` numbers them.
"""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass

import attackers as by
import attacks_of_cash
import attacks_of_meaning
import attacks_of_papers
import attacks_of_time
from attackers import Attacker
from forging import framed, head_text, note


@dataclass(frozen=True)
class Attack:
    """One row; `does` as SQL is done to the database.

    `code` is the verifier's exit code. `head`: the reader kept an earlier head; `policy`: has the log's key from
    elsewhere. `wide`: on an export of several tiles. BREAKS in `also`: without the check nothing that follows can be
    judged, and the verifier breaks down instead of passing.
    """

    name: str
    does: Attacker | str
    check: str = ""
    says: str = ""
    law: str = ""
    also: tuple[str, ...] = ()
    _: KW_ONLY
    code: int = 1
    head: bool = False
    policy: bool = False
    wide: bool = False


BREAKS = "-"
PLAN = {"kind": "plan", "ref": "x"}
PAY = {"payment": "P9", "hospital": "H1", "policy": "earmark-fifo/1"}
CASH = [{"account": "icbc", "bank_ref": "R-1", "amount": 100}]
GRANT = {"grant": "GR9", "case": "C1", "policy": "earmark-fifo/1"}

WHO_CARRIES = [
    # Whoever can change an export on its way, and sign nothing.
    Attack("a byte of an entry is changed",
           by.altering("tile/entries/000.p/SIZE", lambda data: data.replace(b"DN-13", b"DN-14")), "History.link",
           "its leaf hash differs from prev", also=("Export._differs", "SignedLog.check_root")),
    Attack("a gift is given to another donor under the old signature", by.unsigned(by.rewritten),
           "SignedLog.check_root", "was signed over another root"),
    Attack("the head is made to fit other entries", by.refitted, "Note.signers", "the signature of"),
    Attack("a signature is copied from another head",
           by.heading(lambda f: by.resigned(f.read("checkpoint"), f.read("checkpoints/54"))), "Note.signers",
           "the signature of"),
    Attack("a hash of the tree is changed", by.altering("tile/0/000.p/SIZE", by.flipped(100)), "Export._differs",
           "hash 3 of tile/0/000.p/71 is not what the entries come to"),
    Attack("a full tile is changed", by.altering("tile/0/001", by.flipped(0)), "Export._differs",
           "hash 0 of tile/0/001", wide=True),
    Attack("a tile of another level is put in", by.altering("tile/1/000.p/2", lambda _: bytes(64)), "Export._differs",
           "hash 0 of tile/1/000.p/2", wide=True),
    Attack("a partial tile is another's", lambda f: f.write("tile/0/002.p/19", f.read("tile/0/001")[: 19 * 32]),
           "Export._differs", "hash 0 of tile/0/002.p/19", wide=True),
    Attack("an outgrown partial tile says something else", lambda f: f.write("tile/0/000.p/7", bytes(7 * 32)),
           "Export._differs", "hash 0 of tile/0/000.p/7", wide=True),
    Attack("a tile is cut short", by.altering("tile/0/000.p/SIZE", lambda data: data[:-1]), "Export.hold",
           "has 2271 bytes where 2272 belong"),
    Attack("a tile is left out", by.removing("tile/0/001"), "Export.hold", "tile/0/001 is missing", wide=True),
    Attack("a bundle is left out", by.removing("tile/entries/001"), "Export.bundles", "the export is cut short",
           wide=True),
    Attack("the last bundle is cut off within an entry", by.altering("tile/entries/000.p/SIZE", lambda data: data[:-1]),
           "cut", "the bundle breaks off inside this entry", also=("Export._count", BREAKS)),
    Attack("a bundle has bytes behind its entries", by.altering("tile/entries/000.p/SIZE", lambda data: data + b"\0"),
           "cut", "the bundle breaks off inside this entry", also=("Export._count", BREAKS)),
    Attack("the next entry is put into a bundle before its time",
           lambda f: f.write("tile/entries/001", f.read("tile/entries/001") + framed(f.bodies[512])), "Export._count",
           "holds 257 entries where 256 belong", wide=True,
           also=("History.misplaced", "SignedLog.check_root")),
    Attack("files are added beyond the head", lambda f: f.write("tile/entries/001.p/3", b"\0\0" * 3), "Export.close",
           "the export was padded"),
    Attack("an old head is served as new beside newer files", by.long_ago, "Export.close",
           "an old head is served as new", wide=True),
    Attack("an earlier head is another ledger's",
           by.heading(lambda f: note(head_text("ledger.example.org/other", 28, bytes(32)), f.key), "checkpoints/28"),
           "SignedLog.check_head", "is of another ledger"),
    Attack("an earlier head is under a wrong name", by.heading(lambda f: f.read("checkpoints/54"), "checkpoints/53"),
           "_check_earlier", "is a head of 54 entries"),
    # What is no head: exit code 2, for nothing is said of the entries.
    Attack("the head's lines end in CRLF", by.altering("checkpoint", lambda data: data.replace(b"\n", b"\r\n")),
           "refuse_crlf", "its lines end in CRLF", also=(BREAKS,), code=2),
    Attack("the head is a picture", by.altering("checkpoint", lambda _: b"\xff\xd8\xff\xe0"), "read_note",
           "it is not UTF-8", also=(BREAKS,), code=2),
    Attack("the head has 17 signatures",
           by.altering("checkpoint", lambda data: data + b"".join(by.mallory(f"m{n}").line(b"x") for n in range(16))),
           "read_note", "it has 17 signatures", code=2),
]  # fmt: skip
"""Of no use to whoever has only the database or the log's files, either: these are signed elsewhere."""

WHO_BREAKS_THE_LAW = [
    # Whoever holds the database and the log's key seals again: all hashes and signatures agree, and only laws can tell.
    # Law 1 and 2: each serial is at one place, moves begin where the money is.
    Attack("serials are issued twice", by.gift("X", "t7:3900-4000 > fund/heart"), "Book.issue_flaw",
           "is issued, but the tape ends at 4000", "2"),
    Attack("serials are issued beyond the tape's end", by.gift("X", "t7:4001-4100 > fund/heart"), "Book.issue_flaw",
           "is issued, but the tape ends at 4000", "2"),
    Attack("money already spent is moved again", by.holding("t3:0-100 fund/heart > hold/X9"), "Book.peek",
           "is not there", "1"),
    Attack("one entry moves a serial twice",
           by.holding("t1:5000-5100 fund/heart > hold/X9", "t1:5050-5150 fund/heart > hold/X9"), "Book.settle",
           "is moved twice", "2"),
    Attack("a gift is put into another fund", by.gift("X", "t7:4000-4100 > fund/eyes"), "Book.issue_flaw",
           "not a place of its fund 'heart'", "2", ("judge_donation_received",)),
    Attack("money goes to a place that is none",
           by.adding("WishFulfilled", "wish/1", "t1:5000-5100 fund/heart > pocket/me"), "parse_place",
           "is no place", "2", (BREAKS,)),
    Attack("moves are not sorted",
           by.holding("t1:6000-6100 fund/heart > hold/X9", "t1:5000-5100 fund/heart > hold/X9"), "Book.moves_flaw",
           "not sorted", "2"),
    Attack("one move is written as two",
           by.holding("t1:5000-5100 fund/heart > hold/X9", "t1:5100-5200 fund/heart > hold/X9"), "Book.moves_flaw",
           "not written as one", "2"),
    # Law 3: what an entry says of donors and cases is what its serials do.
    Attack("an entry names one case and pays another", by.allocating("X", "C2", "t4:6300-6400 fund/heart > case/C1"),
           "picking_flaw", "does not move money from 'fund/heart' to 'case/C1'", "3"),
    Attack("a refund takes another donor's money",
           by.adding("DonationRefunded", "refund/X", "t6:0-100 fund/eyes > refunded", refund="X", donation="G7",
                  amount=100, fee=0, policy="earmark-fifo/1"),
           "judge_donation_refunded", "is not all of donation 'G7'", "3", ("picking_flaw",)),
    Attack("a gift is credited to somebody else",
           by.adding("DonationAttributed", "donation/G1", donation="G1", donor="ME"), "judge_donation_attributed",
           "came with its donor", "3"),
    # Law 4: amounts are what is moved.
    Attack("a gift is booked higher than its serials", by.gift("X", "t7:4000-4100 > fund/heart", amount=101),
           "judge_donation_received", "100 is issued for an amount of 101", "4"),
    Attack("more fee is taken than the rate",
           by.gift("X", "t1:29600-29640 > fund/heart", "t2:1400-1460 > fee/heart", fee_bp=500),
           "judge_donation_received", "the fee issued is 60", "4"),
    Attack("an allocation moves less than it says",
           by.allocating("X", "C2", "t4:6300-6400 fund/heart > case/C2", amount=101), "picking_flaw",
           "100 is moved to 'case/C2' for an amount of 101", "4"),
    Attack("a hold moves more than it says", by.holding("t1:5000-5100 fund/heart > hold/X9", amount=1), "hand_flaw",
           "100 is moved for an amount of 1", "4"),
    # Law 5: terms.
    Attack("money for one disease pays another",
           by.allocating("X", "C4", "t3:17800-18800 fund/heart > case/C4", "t4:6300-7000 fund/heart > case/C4"),
           "Book.refusal", "is restricted by disease", "5"),
    Attack("agency money goes to another child",
           by.substituting("t9:0-100 fund/heart > case/C4", "t4:6100-6200 case/C4 > fund/heart", "C4"),
           "Book.refusal", "is restricted by person", "5"),
    Attack("money for one hospital is paid at another",
           by.substituting("t10:0-100 fund/heart > hospital/H1/C4", "t4:6000-6100 hospital/H1/C4 > fund/heart", "C4"),
           "Book.refusal", "is restricted by hospital", "5"),
    Attack("expired money is allocated", by.allocating("X", "C2", "t4:6300-7000 fund/heart > case/C2", on="2026-04-02"),
           "days_refusal", "expired on 2026-03-31", "5"),
    Attack("money is used before its first day",
           by.substituting("t7:0-100 fund/heart > case/C4", "t4:6100-6200 case/C4 > fund/heart", "C4"),
           "days_refusal", "may be used only from 2026-06-01", "5"),
    Attack("restricted money pays a cost",
           by.adding("ExpenseMade", "expense/X", "t4:6300-6400 fund/heart > cost/heart/other", expense="X",
           fund="heart", kind="other", amount=100, from_="fund", policy="earmark-fifo/1"),
           "judge_expense_made", "is agency money or restricted", "5"),
    Attack("held money comes back into another fund",
           by.adding("HoldLifted", "hold/X1", "t1:23750-23850 hold/X1 > fund/eyes", hold="X1", amount=100),
           "Book.way_flaw", "its home is 'fund/heart'", "5"),
    Attack("money changes funds under a made-up type",
           by.adding("WishFulfilled", "wish/1", "t1:5000-5100 fund/heart > fund/eyes"), "Book.way_flaw",
           "to another fund", "5"),
    Attack("a restriction is lifted under a made-up type",
           by.adding("WishFulfilled", "wish/1", "t3:17800-17900 fund/heart > fund/heart/t1"), "Book.way_flaw",
           "changes the terms", "5"),
    Attack("restricted money pays another case under a made-up type",
           by.adding("WishFulfilled", "wish/1", "t3:17800-17900 fund/heart > case/C4"), "Book.refusal",
           "is restricted by disease", "5"),
    Attack("expired money is spent under a made-up type",
           by.adding("WishFulfilled", "wish/1", "t4:6300-6400 fund/heart > used/C4", on="2026-04-02"), "days_refusal",
           "expired on 2026-03-31", "5"),
    Attack("a case's money goes to a case that its terms forbid, in a schema nobody knows",
           by.adding("HospitalPaymentMade", "payment/P9", "t3:11300-11400 case/C1 > hospital/H1/C4", schema=2),
           "Book.refusal", "is restricted by disease", "5"),
    Attack("own money is made agency money",
           by.adding("TermsChanged", "fund/heart", "t1:5000-5100 fund/heart > fund/heart/t9", fund="heart", amount=100,
                  basis=PLAN),
           "judge_terms_changed", "a change of terms keeps the nature", "5"),
    Attack("terms are changed on no basis",
           by.adding("TermsChanged", "fund/heart", "t1:5000-5100 fund/heart > fund/heart/t8", fund="heart", amount=100),
           "basis_flaw", "names no basis", "5"),
    Attack("a closed case is given money", by.allocating("X", "C3", "t1:1250-1350 fund/heart > case/C3"),
           "Book.place_flaw", "is closed and takes no money", "5"),
    Attack("money goes to a hospital that nobody registered",
           by.adding("WishFulfilled", "wish/1", "t1:5000-5100 fund/heart > used/H9/C1"), "Book.place_flaw",
           "hospital 'H9' is not registered", "5"),
    # Law 6: the policy chooses, not a hand.
    Attack("the serials are chosen by hand", by.allocating("X", "C2", "t1:1250-1350 fund/heart > case/C2"),
           "picking_flaw", "is taken where earmark-fifo/1 takes t4:6300-6400", "6"),
    Attack("the policy is not named", by.allocating("X", "C2", "t4:6300-6400 fund/heart > case/C2", policy=None),
           "picking_flaw", "names policy ''", "6"),
    Attack("a choice by hand is given out as the policy's",
           by.holding("t1:5000-5100 fund/heart > hold/X9", policy="earmark-fifo/1"), "hand_flaw",
           "though none picks its serials", "6"),
    Attack("money comes in under terms nobody knows",
           by.adding("TapeOpened", "fund/heart", tape="t11", fund="heart", nature="own", restriction={}, on=None,
                  agreement="A", cap_per_case=1), "read_tape_opened", "which this verifier does not know", "6"),
    Attack("terms are given a second tape",
           by.adding("TapeOpened", "fund/heart", tape="t11", fund="heart", nature="own", restriction={}, on=None),
           "judge_tape_opened", "another tape of the fund has the same terms", "6"),
    # Law 7: time.
    Attack("money is posted to a day to come", by.holding("t1:5000-5100 fund/heart > hold/X9", on="2099-01-01"),
           "Book.day_flaw", "is after the day of recording", "7"),
    Attack("money is moved before it came", by.holding("t3:17800-17900 fund/heart > hold/X9", on="2026-03-01"),
           "Book.moves_flaw", "on 2026-03-01 goes back", "7"),
    Attack("money moves on no day", by.holding("t1:5000-5100 fund/heart > hold/X9", on=None), "Book.day_flaw",
           "without a posting date", "7", ("Book.moves_flaw",)),
    Attack("an entry is dated back", by.back_dated, "ChunkReader.remember", "at goes back", "7"),
    Attack("a case is closed before its money came",
           by.adding("CaseClosed", "case/C1", case="C1", reason="completed", on="2026-01-10"), "judge_case_closed",
           "after it is closed", "7", ("other_flaw",)),
    # Business keys and what stands.
    Attack("a channel's transaction is booked twice",
           by.gift("X", "t7:4000-4100 > fund/heart", channel="wechat", channel_txn="W-1"), "check_claims",
           "its business key is in use since entry 13"),
    Attack("a bank transfer is booked twice",
           by.adding("HospitalPaymentMade", "payment/P9", "t1:19000-19100 case/C1 > hospital/H1/C1", **PAY, cash=CASH,
                  lines=[{"case": "C1", "amount": 100}]),
           "Book.hold_keys", "its business key is in use since entry 31"),
    Attack("a bill is paid beyond its amount",
           by.adding("HospitalPaymentMade", "payment/P9", "t1:19000-21001 case/C1 > hospital/H1/C1", **PAY,
                  lines=[{"case": "C1", "amount": 2001, "bill_no": "B-1"}]),
           "Book.pay_bill", "12001 is paid on a bill of 12000"),
    Attack("a family's grant is paid twice",
           by.adding("CashGranted", "grant/GR9", "t1:19000-19100 case/C1 > used/C1", **GRANT, amount=100,
                  purpose="travel", period="2026-02"),
           "Book.hold_keys", "its business key is in use since entry 37"),
    Attack("a child has two open cases",
           by.adding("CaseOpened", "case/C9", case="C9", fund="heart", on=None, purpose="surgery",
                  attributes={"person": "P1"}), "case_flaw", "has another open case"),
    Attack("more is returned than was paid",
           by.adding("HospitalPaymentReturned", "payment/P1", "t1:25750-26350 hospital/H1/C1 > case/C1",
                  "t3:599-9000 used/H1/C1 > case/C1", "t3:9000-10000 hospital/H1/C1 > case/C1", payment="P1",
                  hospital="H1", case="C1", amount=10_001, bill_no="B-1", reason="surplus", policy="earmark-fifo/1"),
           "Book.give_back", "of which 10000 stands"),
    Attack("a gift is reversed twice", by.reversing("DonationReceived", "GX"), "judge_entry_reversed",
           "was reversed already, by entry 53", "", ("other_flaw",)),
    Attack("an allocation that was spent is reversed",
           by.reversing("AllocationMade", "A4", "t4:6000-6300 case/C4 > fund/heart"), "Book.peek", "is not there", "1",
           ("judge_entry_reversed",)),
    Attack("a reversal takes back less than came",
           by.reversing("DonationReceived", "G11", "t10:0-900 fund/heart > void"), "other_flaw",
           "where the reversal of entry 61 moves t10:0-1000"),
    # Versions and ids.
    Attack("an entry of a stream is left out", by.entry("CaseReopened", "C2", version=5), "check_versions",
           "version is 5 where 4 comes next"),
    Attack("an id is given to a second gift", by.gift("G7", "t7:4000-4100 > fund/heart"), "stream_flaw",
           "is made again"),
    Attack("a gift stands on another's stream",
           by.adding("DonationReceived", "donation/X", donation="Y", fund="heart", amount=100, fee_bp=0,
           source="donation",
                  issue=by.moved("t7:4000-4100 > fund/heart")), "stream_flaw", "is not the id of its stream"),
    Attack("an opening balance's id makes an allocation",
           by.allocating("OB-2", "C2", "t4:6300-6400 fund/heart > case/C2"), "Book.open_outlay",
           "is made by entry 27 already"),
    # The shape of a history.
    Attack("the ledger is opened a second time", by.again, "History.fold", "LedgerOpened is entry 0, and only entry 0"),
    Attack("an entry of another ledger is put in",
           by.entry("CaseAmended", "C2", origin="ledger.example.org/other"), "History.add_origins",
           "origin is 'ledger.example.org/other'"),
    Attack("the last part of a fact is cut off", by.open_group, "History.close", "its last part is missing"),
    Attack("a part says more than its moves", by.telling_part, "read_part", "members other than part, of, moves"),
    Attack("a name stands where a commitment should",
           by.editing("DonationReceived", "GP", commitments={"donor_name": "张三"}), "_check_commitments",
           "64 lower-case hex digits"),
    # Bytes that say something else to somebody else.
    Attack("a space in the bytes", by.spoiling(b'"v":1', b'"v": 1'), "parse_slowly", "not the canonical JSON"),
    Attack("a member twice", by.spoiling(b'"v":1', b'"v":1,"v":1'), "_unique", "stands twice", "", ("parse_slowly",)),
    Attack("a fraction", by.spoiling(b'"case":"C2"', b'"case":"C2","w":1.0'), "_refuse_float", "is not an integer", "",
           ("check_profile", "parse_slowly")),
    Attack("an integer too large for others", by.spoiling(b'"case":"C2"', b'"case":"C2","w":9007199254740993'),
           "check_profile", "beyond"),
    Attack("a text in another normal form", by.spoiling(b'"TOF"', '"e\u0301"'.encode()), "check_text", "NFC"),
    Attack("an invisible character", by.spoiling(b'"TOF"', '"TOF\u0085"'.encode()), "check_text", "U+0085"),
    Attack("a member beside the ten", by.spoiling(b'"version":2', b'"version":2,"w":1'), "check_envelope",
           "missing or unknown: w"),
    # The row of entries itself, under a tree and a signature that agree with it.
    Attack("an entry near the head is deleted", by.without("FundOpened", "spare"), "History.misplaced",
           "an entry is missing or out of place"),
    Attack("an entry in the middle is deleted", by.without("HospitalRegistered", "H7"), "History.misplaced",
           "an entry is missing or out of place"),
    Attack("the first entry is deleted", by.loosely(lambda bodies: bodies[1:]), "History.misplaced",
           "seq is 1 where 0 comes next"),
    Attack("two entries near the head change places", by.swapping("FundOpened", "eyes"), "History.misplaced",
           "an entry is missing or out of place"),
    Attack("two entries in the middle change places", by.swapping("HospitalRegistered", "H7"), "History.misplaced",
           "an entry is missing or out of place"),
    Attack("two entries at the tail change places", by.swapping("SubjectRestricted", "DN-GE"), "History.misplaced",
           "an entry is missing or out of place", also=("ChunkReader.remember",)),
    Attack("an entry in the middle is doubled", by.doubling("HospitalRegistered", "H7"), "History.misplaced",
           "stands here a second time"),
    Attack("the last entry is doubled", by.doubling("SubjectErased", "DN-GE"), "History.misplaced",
           "stands here a second time"),
    Attack("an entry is inserted", by.inserting("HospitalRegistered", "H7"), "History.misplaced",
           "an entry is inserted here"),
    Attack("an entry is changed and the next not linked anew",
           by.loosely(lambda bodies: [body.replace(b"DN-13", b"DN-31") for body in bodies]), "History.link",
           "its leaf hash differs from prev"),
    *(Attack(*row) for row in attacks_of_meaning.ROWS),
]  # fmt: skip

WHO_SIGNS = [
    # Whoever signs heads: with the log's key, or with another under its name.
    Attack("history is rewritten and signed again", by.rewritten, "SignedLog.check_root",
           "the head you kept", head=True),
    Attack("the last entries are left out, and the rest signed again", by.shorter, "SignedLog.check_kept",
           "they were cut off, or an old head is served as new", head=True),
    Attack("a fork: an earlier head was signed over something else",
           by.heading(lambda f: note(head_text(f.origin, 54, bytes(32)), f.key), "checkpoints/54"),
           "SignedLog.check_root", "history was rewritten, or this is another history"),

    Attack("a head is signed between the parts of a fact", by.signed_inside_a_fact, "SignedLog.check_groups",
           "ends inside the fact"),
    Attack("another key signs under the right name", by.under(by.mallory), "SignedLog.check_head",
           "is not signed by the key in force"),
    Attack("another key signs, and the export's policy names it", by.under(by.mallory, trusted=True),
           "SignedLog.check_policy", "a wrong key under the right name", also=("SignedLog.check_head",)),
    Attack("another ledger under the right name, with a key of its own", by.under(by.mallory, named=True, trusted=True),
           "SignedLog.check_policy", "a wrong key under the right name", policy=True),
    Attack("the same, against a head that was kept", by.under(by.mallory, named=True, trusted=True),
           "SignedLog.check_root", "the head you kept", head=True),
    Attack("another ledger's export", by.under(lambda _: by.mallory("ledger.example.org/other")),
           "SignedLog.check_head", "is not signed by the key in force"),
    Attack("another ledger's head is held against it", by.keeping_anothers, "other_ledger",
           "is the head of another ledger", head=True, code=2, also=(BREAKS,)),
    Attack("an older ledger is said to be followed at another head", by.older_named_wrongly,
           "SignedLog.check_continued", "the older ledger that this one follows is not as", head=True),
    Attack("one of two signatures of the log is wrong",
           by.heading(lambda f: f.read("checkpoint") + f.key.line(b"other text")), "Note.signers", "the signature of"),
    Attack("the size is written 071", by.signing(lambda text: text.replace(b"\n71\n", b"\n071\n")), "read_head",
           "no decimal number without leading zeros", code=2),
    Attack("a head of a megabyte", by.signing(lambda text: text + b"x" * 1_000_000 + b"\n"), "read_note",
           "it is longer than 1000000 bytes", code=2, also=(BREAKS,)),
    Attack("a second history that no witness signed", by.unwitnessed(by.rewritten), "SignedLog.check_head",
           "is not cosigned as the policy asks", policy=True),
    Attack("a cosignature is copied from another head",
           by.unwitnessed(by.heading(lambda f: f.read("checkpoint") + by.WITNESS.line(b"another head"))),
           "Note.signers", "the signature of witness.example.org/w1", policy=True),
    Attack("the log's key is changed and the old one did not sign", by.rotating(head=lambda old, new: [new]),
           "SignedLog.check_head", "is not signed by the key in force"),
    Attack("the log's key is changed and no head hands it over", by.rotating(head=None), "SignedLog.check_rotations",
           "there is no head of 72 entries that both keys signed"),
    Attack("the log is handed to a key of another name",
           by.rotating(head=lambda old, new: [old, new], name="ledger.example.org/other"), "judge_key_rotated",
           "not as the ledger", also=("SignedLog.check_head",)),
]  # fmt: skip

WHO_GIVES_RECEIPTS = [
    # Whoever gives a donor a receipt. The donor has the log's key from elsewhere.
    Attack("the entry is another than was signed",
           by.receipt(lambda f, r: setattr(r, "entry", r.entry.replace(b"DN-GP", b"DN-XX"))), "check_receipt",
           "the entry is not under the signed head"),
    Attack("the path is another entry's", by.receipt(lambda f, r: setattr(r, "index", r.index + 1)), "check_receipt",
           "the entry is not under the signed head"),
    Attack("an inner node is given out as an entry",
           by.receipt(by.inner_node), "check_receipt",
           "the entry is not under the signed head", also=("parse_slowly", BREAKS)),
    Attack("another value is said to be what was committed to",
           by.receipt(lambda f, r: r.said["openings"][0].update(value="李四")), "check_opening",
           "is not the value that the entry commits to"),
    Attack("an opening is another entry's",
           by.receipt(lambda f, r: r.said["openings"][0].update(stream="donation/GE")), "check_opening",
           "is not the value that the entry commits to"),
    Attack("the head is signed with another key",
           lambda f: setattr(f, "receipt", by.receipted(f, 20, by.mallory(f.origin))), "check_receipt",
           "signed by no key of the policy"),
    Attack("the signature is another head's",
           by.receipt(lambda f, r: setattr(r, "note", by.resigned(r.note, f.read("checkpoints/54")))), "Note.signers",
           "the signature of"),
    Attack("it is another ledger's",
           by.giving(lambda f: by.receipted(f, 20, by.mallory("ledger.example.org/other"),
           origin="ledger.example.org/other")), "check_receipt", "is not in the policy"),
    Attack("an entry is signed in another's place",
           by.both(by.swapping("FundOpened", "eyes"), by.giving(lambda f: by.receipted(f, f.find("FundOpened",
           "eyes")))), "check_receipt", "it says to be entry"),
    Attack("what was signed is not canonical",
           by.both(by.spoiling(b'"v":1', b'"v": 1'), by.giving(lambda f: by.receipted(f, f.find("CaseAmended")))),
           "parse_slowly",
           "not the canonical JSON"),
    Attack("it is under another history than the head that was kept",
           by.both(by.rewritten, by.giving(lambda f: by.receipted(f, 20))), "_agrees", "another history", head=True),
    Attack("a newer head does not continue the receipt's", by.unproved, "_agrees", "does not continue its head",
           head=True),
    Attack("no witness signed its head, and the policy asks for one", by.unwitnessed(lambda f: None), "check_receipt",
           "is not cosigned as the policy asks"),
    Attack("its lines end in CRLF", by.giving(lambda f: f.receipt.replace(b"\n", b"\r\n")), "refuse_crlf",
           "its lines end in CRLF", also=(BREAKS,), code=2),
    Attack("it is a picture", by.giving(lambda _: b"\xff\xd8\xff\xe0"), "read_file", "is neither a receipt", code=2,
           also=(BREAKS,)),
]  # fmt: skip

WHO_SERVES_THE_LOG = [
    # Whoever serves the public files, checkpoint and tiles, and may sign: against a reader who kept a head, and has no
    # entries. `test_attacks.py` reads as any C2SP client does.
    Attack("an old head is served as new", by.long_ago, "audit.merkle.check_consistency",
           "cannot be a prefix of one of 54", also=(BREAKS,)),
    Attack("another history is served", by.rewritten, "audit.merkle.check_consistency",
           "does not lead to the old root"),
    Attack("a hash of the tree is changed", by.altering("tile/0/001", by.flipped(40)), "audit.merkle.check_consistency",
           "does not lead to the old root"),
    Attack("a tile is left out", by.removing("tile/1/000.p/2"), "audit.tiles.Tiles.read", "is missing", also=(BREAKS,)),
    Attack("a tile is cut short", by.altering("tile/0/001", lambda data: data[:-1]), "audit.tiles.Tiles.read",
           "has 8191 bytes where 8192 are needed", also=("audit.merkle.check_consistency", BREAKS)),
    Attack("another key signs under the right name", by.under(by.mallory), "audit.checkpoint.Note.signers",
           "no known key signed the note"),
    Attack("a signature is copied from another head",
           by.heading(lambda f: by.resigned(f.read("checkpoint"), f.read("checkpoints/54"))),
           "audit.checkpoint.Note.signers", "is wrong"),
    Attack("another ledger's head is served", by.signing(lambda text: text.replace(b"/honest", b"/other")),
           "audit.checkpoint.open_checkpoint", "the checkpoint is of 'ledger.example.org/other'"),
    Attack("the size is written 0531", by.signing(lambda text: text.replace(b"\n531\n", b"\n0531\n")),
           "audit.checkpoint.Checkpoint.parse", "without leading zeros"),
    Attack("the head's lines end in CRLF", by.altering("checkpoint", lambda data: data.replace(b"\n", b"\r\n")),
           "audit.checkpoint.Note.parse", "control character", also=(BREAKS,)),
]  # fmt: skip

WHO_OWNS_THE_DATABASE = [
    # A superuser with triggers and foreign keys off, who cannot sign: against `fenhao verify` (exit code 1), and the
    # next `fenhao checkpoint` (2), which has the newest head outside the database. `head`: the log had come further.
    Attack("an entry is changed",
           "update entry set body = convert_to(replace(convert_from(body, 'UTF8'), 'DN-13', 'DN-31'), 'UTF8')",
           "History.link", "its leaf hash differs from prev",
           also=("reports.verification._derived", "reports.verification._views")),
    Attack("an entry is deleted", "delete from entry where seq = 34", "History.misplaced", "an entry is missing",
           also=tuple(f"reports.verification.{one}" for one in ("_chain", "_derived", "_cash", "_compared", "_views"))),
    Attack("the last entries are deleted", "delete from entry where seq > 500", "reports.verification._chain",
           "entry 501 is missing: there were 531", also=("reports.verification._derived",
               "reports.verification._compared", "reports.verification._views", "audit.log.check_history")),
    Attack("an entry is put behind the end",
           "insert into entry select 900, 'donation/Z', 1, type, leaf, body from entry"
           " where seq = 13", "reports.verification._derived", "past the end of the chain"),
    Attack("an entry's columns are changed", "update entry set stream = 'donation/Z' where seq = 13",
           "reports.verification._derived", "columns differ from the entry's bytes"),
    Attack("the head is changed", "update head set leaf = sha256(leaf)", "reports.verification._chain",
           "the head does not name the last entry"),
    Attack("money is put elsewhere", "update holding set place = 'case/C4' where place = 'case/C1' and tape = 5",
           "reports.verification._compared", "the places differ from the entries at t5"),
    Attack("a reversal is forgotten", "delete from reversal", "reports.verification._cash", "rows of reversal"),
    Attack("a fee rate is changed", "update fund set fee_bp = 0", "reports.verification._derived", "the table fund"),
    Attack("a gift is shown to another donor", "update view_gift set donor = 'ME' where donation = 'G1'",
           "reports.verification._views", "the table view_gift differs"),
    Attack("all is rewritten, tables and views too", by.rewritten, "audit.log.check_history",
           "entry 530 is another than it was", code=2),
    Attack("an old backup is restored", "select 1", "audit.log.check_history", "it has 531 entries and had 534",
           code=2, head=True),
    Attack("the guards against duplicates are emptied: nothing is seen before one comes in",
           "delete from business_key; delete from bill"),
]  # fmt: skip

NOBODY_CAN_TELL = [
    # Honest work in every byte.
    Attack("an entry is never made", lambda f: None),
    Attack("a gift is recorded for another donor from the start", by.gift("X", "t7:4000-4100 > fund/heart",
           donor="ME")),
    Attack("a whole other ledger, for who has neither key nor head", by.under(by.mallory, named=True, trusted=True)),
    Attack("the last entries are left out, for who kept no head", by.shorter),
    Attack("history is rewritten, for who kept no head", by.rewritten),
    Attack("money moves under a made-up type: named in the report",
           by.adding("WishFulfilled", "wish/1", "t1:5000-5100 fund/heart > out/elsewhere")),
    Attack("a case is amended to fit restricted money",
           by.both(by.adding("CaseAmended", "case/C4", case="C4", on=None,
                       attributes={"disease": "VSD", "hospital": "H2", "person": "P4"}),
                by.allocating("X", "C4", "t3:17800-17900 fund/heart > case/C4"))),
]  # fmt: skip

WHO_LIES_OF_CASH = [Attack(*row) for row in attacks_of_cash.ROWS]
WHO_MAKES_UP_TIMES = [Attack(*row) for row in attacks_of_time.ROWS]
WHO_SHOWS_TWO_HEADS = [Attack(*row) for row in attacks_of_papers.HEADS]
WHO_DRAWS_SAMPLES = [Attack(*row) for row in attacks_of_papers.SAMPLES]
WHO_WRITES_LETTERS = [Attack(*row) for row in attacks_of_papers.LETTERS]

SECTIONS = (
    ("谁能改动传递中的文件", "Whoever carries the files", "export", WHO_CARRIES),
    ("谁持有数据库和日志私钥", "Whoever holds database and key, and breaks a law", "export", WHO_BREAKS_THE_LAW),
    ("谁在账户、对账与关账上作假", "Whoever lies about accounts, statements and periods", "export", WHO_LIES_OF_CASH),
    ("谁能签署日志头", "Whoever signs heads", "export", WHO_SIGNS),
    ("谁编造时间戳或国密树根", "Whoever makes up time-stamps, or an SM3 root", "export", WHO_MAKES_UP_TIMES),
    ("谁出具凭据", "Whoever gives receipts", "receipt", WHO_GIVES_RECEIPTS),
    ("谁提供公开日志", "Whoever serves the public log", "log", WHO_SERVES_THE_LOG),
    ("谁拥有数据库", "Whoever owns the database", "database", WHO_OWNS_THE_DATABASE),
    ("谁出示两份日志头", "Whoever shows two heads", "heads", WHO_SHOWS_TWO_HEADS),
    ("谁出具审计抽样", "Whoever hands an auditor a sample", "sample", WHO_DRAWS_SAMPLES),
    ("谁出具函证", "Whoever changes a confirmation letter", "letter", WHO_WRITES_LETTERS),
    ("看似诚实的", "What looks like honest work", "export", NOBODY_CAN_TELL),
)
"""Title in Chinese and in English, what the deeds are done to, the rows."""
