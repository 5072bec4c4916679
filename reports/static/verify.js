/* 验证存证凭据 Checks a receipt in the reader's own browser: nothing of it is sent anywhere.

   A receipt is a C2SP tlog-proof with the entry in it; docs/format.md says how it is written, and audit/verify.py judges
   the same in Python: both must come to the same verdict on any bytes. Sentences are pairs [zh, en]. A step that cannot
   be judged is never shown as passed.

   The page gives a <form id="verify">, lists to write into, and the JSON in #verify-setting:
   {policy, exponent, currency, words, receipt, log}; the last two are addresses, absent in a page that is a file. */
"use strict";

(() => {
  const HEADER = "c2sp.org/tlog-proof@v1";
  const MAX_RECEIPT = 2_000_000, MAX_NOTE = 1_000_000, MAX_POLICY = 100_000, MAX_ENTRY = 65_535, MAX_DEPTH = 32;
  const ED25519 = 1, COSIGNATURE = 4;
  const MEMBERS = "at data origin prev salt seq stream type v version";
  const UNPRINTABLE = /\p{C}|[^\P{Z} ]/u;

  class Unusable extends Error { constructor(zh, en) { super(en); this.said = [zh, en]; } }  // not what it should be
  class Refuted extends Error { constructor(zh, en) { super(en); this.said = [zh, en]; } }   // does not hold

  // Bytes ----------------------------------------------------------------------------------------------------------

  const strictly = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  const leniently = new TextDecoder("utf-8", { ignoreBOM: true });
  const bytesOf = text => new TextEncoder().encode(text);
  const hex = bytes => Array.from(bytes, byte => byte.toString(16).padStart(2, "0")).join("");
  const unhex = text => Uint8Array.from(text.match(/../g), pair => parseInt(pair, 16));
  const same = (a, b) => a.length === b.length && a.every((byte, at) => byte === b[at]);
  const shown = value => { const text = JSON.stringify(value) ?? "–"; return text.length > 80 ? text.slice(0, 77) + "…" : text; };

  function joined(...parts) {
    const whole = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
    parts.reduce((at, part) => { whole.set(part, at); return at + part.length; }, 0);
    return whole;
  }

  /** Base64 in its one form; null for anything else. */
  function decoded(text) {
    try {
      const raw = atob(text);
      return btoa(raw) === text ? Uint8Array.from(raw, character => character.charCodeAt(0)) : null;
    } catch { return null; }
  }

  const sha256 = async (...parts) => new Uint8Array(await crypto.subtle.digest("SHA-256", joined(...parts)));
  const leafHash = entry => sha256([0], entry);                 // RFC 6962 §2.1
  const nodeHash = (left, right) => sha256([1], left, right);

  // Trees: what proofs come to -------------------------------------------------------------------------------------

  /** The root that an inclusion proof comes to, null if it is too short or too long (RFC 9162 §2.1.3.2). */
  async function rootOver(leaf, index, size, path) {
    if (index >= size) return null;
    let last = size - 1n, value = leaf;
    for (const sibling of path) {
      if (last === 0n) return null;
      if (index & 1n || index === last) {
        value = await nodeHash(sibling, value);
        while (!(index & 1n) && index) { index >>= 1n; last >>= 1n; }
      } else value = await nodeHash(value, sibling);
      index >>= 1n; last >>= 1n;
    }
    return last === 0n ? value : null;
  }

  /** Whether a consistency proof leads from the smaller head to the larger (RFC 9162 §2.1.4.2). */
  async function isContinued(old, now, proof) {
    if (!(0n < old.size && old.size < now.size)) return false;
    const path = (old.size & (old.size - 1n)) === 0n ? [old.root, ...proof] : [...proof];
    if (!path.length) return false;
    let index = old.size - 1n, last = now.size - 1n;
    while (index & 1n) { index >>= 1n; last >>= 1n; }
    let before = path[0], after = path[0];
    for (const sibling of path.slice(1)) {
      if (last === 0n) return false;
      if (index & 1n || index === last) {
        before = await nodeHash(sibling, before);
        after = await nodeHash(sibling, after);
        while (!(index & 1n) && index) { index >>= 1n; last >>= 1n; }
      } else after = await nodeHash(after, sibling);
      index >>= 1n; last >>= 1n;
    }
    return last === 0n && same(before, old.root) && same(after, now.root);
  }

  // Keys, notes, heads, policies (C2SP signed-note, tlog-checkpoint, tlog-cosignature, tlog-policy) -------------------

  const isKeyName = name => name !== "" && !/[\p{C}\p{Z}\s+]/u.test(name);

  /** The key that a verifier key (`name+id+base64`) says; null for one that is malformed or of another type. */
  async function readKey(text, kind) {
    const [name, hexed, ...rest] = text.split("+"), value = decoded(rest.join("+"));
    if (!value || value.length !== 33 || value[0] !== kind || !isKeyName(name)) return null;
    const id = hex((await sha256(bytesOf(name + "\n"), value)).subarray(0, 4));
    return id === hexed ? { name, kind, id, public: value.subarray(1), text } : null;
  }

  async function isSignature(publicKey, text, signature) {
    let key;
    try {
      key = await crypto.subtle.importKey("raw", publicKey, { name: "Ed25519" }, false, ["verify"]);
    } catch (error) {
      if (error.name === "NotSupportedError") throw error;
      return false; // no point of the curve
    }
    return crypto.subtle.verify({ name: "Ed25519" }, key, signature, text);
  }

  /** Whether a signature is that key's, over the text of a note; a cosignature also over its time. */
  async function isSigned(key, text, signature) {
    if (key.kind !== COSIGNATURE) return isSignature(key.public, text, signature);
    if (signature.length !== 72 || signature[0] & 0x80) return false;
    const time = BigInt("0x" + hex(signature.subarray(0, 8)));
    return isSignature(key.public, joined(bytesOf(`cosignature/v1\ntime ${time}\n`), text), signature.subarray(8));
  }

  function refuseCrlf(bytes) {
    if (bytes.some((byte, at) => byte === 13 && bytes[at + 1] === 10)) {
      throw new Unusable("换行符是 CRLF：文件在传输中被转换过，请重新取得原件",
        "its lines end in CRLF: it was converted on its way; get the original again");
    }
  }

  /** A note taken apart: its text's bytes, and the signature lines, which nobody has checked yet. */
  function readNote(bytes) {
    if (bytes.length > MAX_NOTE) throw new Unusable("日志头太长", "its head is too long");
    refuseCrlf(bytes);
    let content;
    try { content = strictly.decode(bytes); } catch { throw new Unusable("日志头不是 UTF-8 文本", "its head is not UTF-8 text"); }
    if (/[\x00-\x09\x0b-\x1f]/.test(content)) throw new Unusable("日志头含有控制字符", "its head holds a control character");
    const cut = content.lastIndexOf("\n\n"), lines = content.slice(cut + 2);
    if (cut < 0 || !lines.endsWith("\n")) {
      throw new Unusable("日志头不是正文、空行、签名行的结构", "its head is not text, an empty line and signature lines");
    }
    const signatures = lines.slice(0, -1).split("\n").map(line => {
      const [dash, name, ...rest] = line.split(" "), value = decoded(rest.join(" "));
      if (dash !== "—" || name === undefined || !isKeyName(name) || !value || value.length < 5) {
        throw new Unusable(`日志头中 ${shown(line)} 不是签名行`, `${shown(line)} in its head is no signature line`);
      }
      return { name, id: hex(value.subarray(0, 4)), signature: value.subarray(4) };
    });
    if (signatures.length > 16) throw new Unusable("日志头的签名超过 16 个", "its head has more than 16 signatures");
    return { text: content.slice(0, cut) + "\n", signatures };
  }

  /** The signed head that a note is: {origin, size, root, note}. */
  function readHead(bytes) {
    const note = readNote(bytes), lines = note.text.split("\n").slice(0, -1);
    if (lines.length < 3 || lines.includes("")) {
      throw new Unusable("日志头不是账本名称、条数、树根各一行", "its head is not origin, size and root, a line each");
    }
    const [origin, size, encoded] = lines, root = decoded(encoded);
    if (!/^(0|[1-9][0-9]{0,18})$/.test(size) || BigInt(size) >= 2n ** 63n) {
      throw new Unusable("日志头的条数不是没有前导零的十进制数", "the size in its head is no decimal number without leading zeros");
    }
    if (!root || root.length !== 32) throw new Unusable("日志头的树根不是 32 字节", "the root in its head is not 32 bytes");
    return { origin, size: BigInt(size), root, note };
  }

  /** Whose signatures count. */
  async function readPolicy(text) {
    const policy = { logs: [], witnesses: new Map(), groups: new Map(), quorum: "" };
    const bad = line => new Unusable(`信任策略中这一行无法使用：${shown(line)}`, `this line of the policy cannot be used: ${shown(line)}`);
    if (bytesOf(text).length > MAX_POLICY || /[\x00-\x08\x0b-\x1f\x7f]/.test(text)) throw bad(text);
    const isKnown = name => policy.witnesses.has(name) || policy.groups.has(name);
    const isNew = name => name !== undefined && name !== "none" && !isKnown(name);
    for (const line of text.split("\n").map(one => one.replace(/^[ \t]+|[ \t]+$/g, ""))) {
      if (line === "" || line.startsWith("#")) continue;
      const [verb, ...words] = line.split(/[ \t]+/);
      const readHere = async (written, kind, others) => {
        const key = written === undefined ? null : await readKey(written, kind);
        if (!key || others.some(other => same(other.public, key.public))) throw bad(line);
        return key;
      };
      if (verb === "log" && words.length <= 2) policy.logs.push(await readHere(words[0], ED25519, policy.logs));
      else if (verb === "witness" && words.length <= 3 && isNew(words[0])) {
        policy.witnesses.set(words[0], await readHere(words[1], COSIGNATURE, [...policy.witnesses.values()]));
      } else if (verb === "group" && words.length > 2 && isNew(words[0])) {
        const [name, count, ...members] = words, used = [...policy.groups.values()].flatMap(group => group.members);
        const needed = { all: members.length, any: 1 }[count] ?? (/^[1-9][0-9]{0,8}$/.test(count) ? Number(count) : 0);
        const once = new Set([...used, ...members]).size === used.length + members.length;
        if (!members.every(isKnown) || !once || needed < 1 || needed > members.length) throw bad(line);
        policy.groups.set(name, { needed, members });
      } else if (verb === "quorum" && words.length === 1 && !policy.quorum && (words[0] === "none" || isKnown(words[0]))) {
        policy.quorum = words[0];
      } else throw bad(line);
    }
    if (!policy.logs.length || !policy.quorum) {
      throw new Unusable("信任策略中没有 log 行或 quorum 行，不知道认可谁的签名", "the policy has no log line or no quorum line: whose signature counts is not known");
    }
    return policy;
  }

  /** Those of the known keys that signed the note; unknown ones are passed over. */
  async function signersOf(note, known) {
    const found = new Set();
    for (const { name, id, signature } of note.signatures) {
      const key = known.find(one => one.name === name && one.id === id);
      if (!key) continue;
      if (!await isSigned(key, bytesOf(note.text), signature)) {
        throw new Refuted(`${name} 的签名不对：日志头或签名被改动过`, `the signature of ${name} is wrong: the head or the signature was changed`);
      }
      found.add(key);
    }
    return found;
  }

  function isWitnessed(policy, signers) {
    const found = new Set([...policy.witnesses].filter(([, key]) => signers.has(key)).map(([name]) => name));
    for (const [name, { needed, members }] of policy.groups) {
      if (members.filter(member => found.has(member)).length >= needed) found.add(name);
    }
    return policy.quorum === "none" || found.has(policy.quorum);
  }

  // Entries ---------------------------------------------------------------------------------------------------------

  const canonical = value => Array.isArray(value) ? `[${value.map(canonical).join(",")}]`
    : value !== null && typeof value === "object"
      ? `{${Object.keys(value).sort().map(name => `${JSON.stringify(name)}:${canonical(value[name])}`).join(",")}}`
      : JSON.stringify(value);

  function checkText(text) {
    if (/[\p{Cc}\p{Cs}]/u.test(text)) throw new Refuted("分录含有控制字符或残缺的字符", "the entry holds a control character or half a character");
    if (text.normalize("NFC") !== text) throw new Refuted("分录的文字不是 Unicode 规范形式 NFC", "a text of the entry is not in Unicode normal form NFC");
  }

  function checkProfile(value, depth = 1) {
    if (typeof value === "string") return checkText(value);
    if (typeof value === "boolean") return;
    if (typeof value === "number") {
      if (!Number.isSafeInteger(value)) throw new Refuted("分录中有的数不是 ±(2^53−1) 内的整数", "a number of the entry is no integer within ±(2^53−1)");
      return;
    }
    if (value === null) throw new Refuted("分录中有空值 null", "the entry holds null");
    if (depth > MAX_DEPTH) throw new Refuted("分录嵌套过深", "the entry's values are nested too deep");
    for (const name of Array.isArray(value) ? [] : Object.keys(value)) {
      if (!/^[a-z][a-z0-9_]*$/.test(name)) throw new Refuted(`分录的成员名 ${shown(name)} 不合规定`, `${shown(name)} is no name for a member`);
    }
    for (const one of Object.values(value)) checkProfile(one, depth + 1);
  }

  /** The entry that its bytes say, if they are its one way of being written (RFC 8785). */
  function readEntry(bytes) {
    if (bytes.length < 1 || bytes.length > MAX_ENTRY) throw new Refuted("分录的长度不合规定", "the entry's length is not allowed");
    let text, value;
    try { text = strictly.decode(bytes); value = JSON.parse(text); } catch { throw new Refuted("分录原文不是 JSON", "the entry is not JSON"); }
    if (value === null || typeof value !== "object" || Array.isArray(value)) throw new Refuted("分录原文不是 JSON 对象", "the entry is not a JSON object");
    checkProfile(value);
    if (canonical(value) !== text) {
      throw new Refuted("分录原文不是规范 JSON（RFC 8785）：同一内容被换了写法", "the entry is not canonical JSON (RFC 8785): the same was written in another way");
    }
    checkEnvelope(value);
    return value;
  }

  function isDay(text) {
    const time = /^[0-9]{4}-[0-9]{2}-[0-9]{2}$/.test(text) && !text.startsWith("0000") ? Date.parse(text) : NaN;
    return !Number.isNaN(time) && new Date(time).toISOString().startsWith(text);
  }

  function checkEnvelope({ v, at, salt, stream, type, version, data, origin, ...rest }) {
    const isText = value => typeof value === "string";
    const wrong = Object.entries({
      v: v === 1,
      at: isText(at) && /^.{10}T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]\.[0-9]{6}Z$/.test(at) && isDay(at.slice(0, 10)),
      salt: isText(salt) && /^[0-9a-f]{32}$/.test(salt),
      stream: isText(stream) && /^[a-z][a-z0-9_]*\/.{1,120}$/u.test(stream) && !UNPRINTABLE.test(stream),
      type: isText(type) && /^[A-Z][A-Za-z0-9]{0,99}$/.test(type),
      version: Number.isSafeInteger(version) && version >= 1 && version <= 0xffffffff,
      data: data !== null && typeof data === "object" && !Array.isArray(data),
      origin: isText(origin),
      seq: "seq" in rest && "prev" in rest && Object.keys(rest).length === 2,
    }).find(([, holds]) => !holds);
    if (wrong) throw new Refuted(`分录的成员不合规定（${wrong[0]}；应有 ${MEMBERS}）`, `the entry's members are not as they must be (${wrong[0]}; they are ${MEMBERS})`);
  }

  /** The HMAC by which an entry commits to a value (docs/format.md). */
  async function commitment({ field, stream, value, salt }) {
    const key = await crypto.subtle.importKey("raw", unhex(salt), { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
    return hex(new Uint8Array(await crypto.subtle.sign("HMAC", key, bytesOf(canonical({ field, stream, value })))));
  }

  // Receipts --------------------------------------------------------------------------------------------------------

  /** A receipt taken apart: {index, path, head, entry (bytes), openings}. Nothing is checked but its form. */
  function readReceipt(bytes) {
    if (bytes.length > MAX_RECEIPT) throw new Unusable("文件太长，不是存证凭据", "the file is too long for a receipt");
    refuseCrlf(bytes);
    const cut = bytes.findIndex((byte, at) => byte === 10 && bytes[at + 1] === 10);
    const lines = leniently.decode(bytes.subarray(0, Math.max(cut, 0))).split("\n");
    if (cut < 0 || lines.shift() !== HEADER) {
      throw new Unusable(`这不是完整的存证凭据：首行不是 ${HEADER}，或没有日志头`, `this is no whole receipt: its first line is not ${HEADER}, or no head follows`);
    }
    const extra = lines[0]?.startsWith("extra ") ? decoded(lines.shift().slice(6)) : new Uint8Array();
    const index = /^index (0|[1-9][0-9]{0,18})$/.exec(lines.shift() ?? ""), path = lines.map(decoded);
    if (!extra || !index || path.some(value => !value || value.length !== 32)) {
      throw new Unusable("凭据的格式不完整：应为 extra、index、哈希各一行", "the receipt is not whole: extra, index and hashes, a line each");
    }
    const head = readHead(bytes.subarray(cut + 2));
    let members = null;
    try { members = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(extra)); } catch { /* judged below */ }
    const entry = typeof members?.entry === "string" ? decoded(members.entry) : null, openings = members?.openings ?? [];
    if (!entry || !Array.isArray(openings) || members.openings === null || Object.keys(members).some(name => name !== "entry" && name !== "openings")) {
      throw new Unusable("凭据中没有分录原文", "the receipt does not hold its entry");
    }
    for (const one of openings) checkOpeningForm(one);
    return { index: BigInt(index[1]), path, head, entry, openings };
  }

  function checkOpeningForm(one) {
    const whole = one !== null && typeof one === "object" && Object.keys(one).sort().join() === "field,salt,stream,value"
      && Object.values(one).every(value => typeof value === "string") && /^[0-9a-f]{64}$/.test(one.salt);
    try {
      if (!whole) throw new Refuted("", "");
      Object.values(one).forEach(checkText);
    } catch { throw new Unusable("凭据所附个人信息的核对方式不完整", "what opens a personal value is not field, stream, value and salt"); }
  }

  // Judging: each step a promise of a sentence, or a Refuted ---------------------------------------------------------

  const STEPS = {
    whole: ["凭据完整", "The receipt is whole"],
    canonical: ["原文规范", "The record is in its one form"],
    path: ["在账本的树中", "The record is in the ledger's tree"],
    signature: ["基金会的签名", "The foundation's signature"],
    witnesses: ["见证方的签名", "The witnesses' signatures"],
    place: ["位置相符", "It stands where it says"],
    openings: ["个人信息相符", "Personal values agree"],
    expected: ["与您所知相符", "It says what you expect"],
    today: ["与今天的账本一致", "The same ledger as today's"],
  };

  /** The judges of a receipt, in order; each returns what holds as a sentence, and throws Refuted. */
  function judges(receipt, policy, expected) {
    const { head, index, path, entry: bytes, openings } = receipt;
    const logs = policy.logs.filter(key => key.name === head.origin);
    const others = [...policy.logs.filter(key => key.name !== head.origin), ...policy.witnesses.values()];
    const list = {
      canonical() {
        const entry = readEntry(bytes);
        return [`分录原文 ${bytes.length} 字节，是规范 JSON，只有这一种写法`, `${bytes.length} bytes of canonical JSON, which can be written in this one way alone`, entry];
      },
      async path() {
        const leaf = await leafHash(bytes), root = await rootOver(leaf, index, head.size, path);
        if (!root || !same(root, head.root)) {
          throw new Refuted("分录不在签名的日志头之中：它的指纹经哈希路径到不了树根。分录、序号或路径被改动过",
            "the entry is not under the signed head: from its fingerprint the path does not lead to the root. The entry, its number or the path was changed");
        }
        const [from, to] = [leaf, root].map(value => hex(value).slice(0, 12) + "…");
        return [`原文的指纹（SHA-256）${from} 经 ${path.length} 步哈希到达树根 ${to}`, `its fingerprint (SHA-256) ${from} leads in ${path.length} steps to the root ${to}`];
      },
      async signature() {
        if (!logs.length) {
          throw new Refuted(`所属账本 ${shown(head.origin)} 不在信任策略之内：这是另一个账本的凭据`, `its ledger, ${shown(head.origin)}, is not in the policy: this is another ledger's receipt`);
        }
        const signer = [...await signersOf(head.note, logs)][0];
        if (!signer) {
          const named = head.note.signatures.some(one => one.name === head.origin);
          throw new Refuted(named ? "日志头以账本的名义签名，公钥却不是所认可的那一把" : "日志头没有账本的签名",
            named ? "the head is signed in the ledger's name, by a key that is not the one you trust" : "the head bears no signature of the ledger");
        }
        return [`公钥 ${signer.id} 签了 ${head.size} 条分录的日志头（Ed25519），签名与公钥编号相符`, `the key ${signer.id} signed the head of ${head.size} entries (Ed25519); signature and key id agree`];
      },
      async witnesses() {
        const signers = await signersOf(head.note, others);
        if (!isWitnessed(policy, signers)) {
          throw new Refuted(`见证签名不足信任策略要求的 ${policy.quorum}`, `its head is not cosigned as the policy asks, by ${policy.quorum}`);
        }
        const names = [...policy.witnesses].filter(([, key]) => signers.has(key)).map(([name]) => name).join(", ");
        return names ? [`${names} 见证了同一份日志头`, `${names} vouched for the same head`] : ["信任策略不要求见证", "the policy asks for no witness"];
      },
      place() {
        const entry = readEntry(bytes);
        if (entry.origin !== head.origin || !Number.isSafeInteger(entry.seq) || BigInt(entry.seq) !== index) {
          throw new Refuted(`分录自称是 ${shown(entry.origin)} 的第 ${shown(entry.seq)} 条，凭据说是第 ${index} 条`, `the entry says to be number ${shown(entry.seq)} of ${shown(entry.origin)}, the receipt says ${index}`);
        }
        return [`它是账本 ${head.origin} 的第 ${index} 条分录`, `it is entry ${index} of the ledger ${head.origin}`];
      },
      async openings() {
        const entry = readEntry(bytes);
        for (const one of openings) {
          if (one.stream !== entry.stream || entry.data.commitments?.[one.field] !== await commitment(one)) {
            throw new Refuted(`${shown(one.field)} 与分录中的承诺值不符`, `${shown(one.field)} is not the value that the entry commits to`);
          }
        }
        const names = openings.map(one => one.field).join(", ");
        return [`凭据所附 ${names} 与分录登记时的承诺值相符`, `the receipt's ${names} is what the entry committed to`];
      },
      expected() { return asExpected(readEntry(bytes).data, expected); },
    };
    if (!openings.length) delete list.openings;
    if (!Object.values(expected).some(Boolean)) delete list.expected;
    return list;
  }

  const setting = { exponent: 2, currency: "", policy: "", words: {} };   // and what the page says, below
  const money = minor => {
    const digits = String(Math.abs(minor)).padStart(setting.exponent + 1, "0"), cut = digits.length - setting.exponent;
    const major = digits.slice(0, cut).replace(/\B(?=(\d{3})+$)/g, ",");
    return (minor < 0 ? "−" : "") + major + (setting.exponent ? "." + digits.slice(cut) : "");
  };
  /** Minor units of an amount as people write it; null for what is none. */
  const minorOf = text => {
    const [, major, minor = ""] = /^([0-9]{1,12})(?:\.([0-9]+))?$/.exec(text.replace(/[¥￥,\s]/g, "")) ?? [];
    return major === undefined || (minor !== "" && minor.length !== setting.exponent) ? null : Number(major + minor.padEnd(setting.exponent, "0"));
  };
  const runsOf = data => [...(Array.isArray(data.issue) ? data.issue : []), ...(Array.isArray(data.moves) ? data.moves : [])];
  const sumOf = (items, size) => items.reduce((sum, one) => sum + size(one), 0);
  const amountOf = data => data.amount ?? (Array.isArray(data.lines) ? sumOf(data.lines, one => one.amount) : sumOf(runsOf(data), one => one.hi - one.lo));

  /** Whether the fact is the one that the reader has in mind. */
  function asExpected(data, { amount, on, serials }) {
    if (amount) {
      const minor = minorOf(amount);
      if (minor === null) throw new Unusable(`金额应写作 ${money(20_000)}，不是 ${shown(amount)}`, `an amount is written ${money(20_000)}, not ${shown(amount)}`);
      if (minor !== amountOf(data)) throw new Refuted(`金额不符：分录是 ${money(amountOf(data))}，您填写的是 ${amount}`, `the amount is another: the entry says ${money(amountOf(data))}, you expect ${amount}`);
    }
    if (on && on !== data.on) throw new Refuted(`日期不符：分录是 ${data.on ?? "无"}，您填写的是 ${on}`, `the date is another: the entry says ${data.on ?? "none"}, you expect ${on}`);
    for (const text of (serials || "").split(/[\s,，、]+/).filter(Boolean)) {
      const [, tape, lo, hi] = /^(t[1-9][0-9]*):([0-9]+)-([0-9]+)$/.exec(text) ?? [];
      if (!tape) throw new Unusable(`号段应写作 t3:100-200，不是 ${shown(text)}`, `serials are written t3:100-200, not ${shown(text)}`);
      if (!runsOf(data).some(one => one.tape === tape && one.lo <= Number(lo) && Number(hi) <= one.hi)) {
        throw new Refuted(`号段不符：分录中没有 ${text}`, `the serials are others: ${text} is not in the entry`);
      }
    }
    return ["金额、日期、号段与您填写的一致", "amount, date and serials are those that you gave"];
  }

  /** Judges a receipt; `told(step, state, sentence)` hears of each step. {code, said, entry}: 0 holds, 1 does not, 2 cannot be used. */
  async function verify(bytes, policyText, expected = {}, told = () => {}) {
    let receipt, policy, entry = null, first = null, wrong = null;
    try {
      policy = await readPolicy(policyText);
      receipt = readReceipt(bytes);
    } catch (fault) {
      if (!(fault instanceof Unusable)) throw fault;
      told("whole", "fail", fault.said);
      return { code: 2, wrong: "whole", said: fault.said, entry };
    }
    told("whole", "pass", [`第 ${receipt.index} 条分录，附 ${receipt.path.length} 个哈希和 ${receipt.head.size} 条分录的日志头`, `entry ${receipt.index}, with ${receipt.path.length} hashes and the head of ${receipt.head.size} entries`]);
    for (const [step, judge] of Object.entries(judges(receipt, policy, expected))) {
      try {
        const [zh, en, read] = await judge();
        entry = read ?? entry;
        told(step, "pass", [zh, en]);
      } catch (fault) {
        if (!(fault instanceof Refuted || fault instanceof Unusable)) throw fault;
        wrong ??= step;
        first ??= fault;
        told(step, "fail", fault.said);
      }
    }
    if (first) return { code: first instanceof Refuted ? 1 : 2, wrong, said: first.said, entry, receipt };
    const { index, head } = receipt;
    return { code: 0, entry, receipt, policy, said: [`第 ${index} 条分录在账本 ${head.origin} 的签名日志头（${head.size} 条）之中，一个字节也没有改动`, `entry ${index} is under the signed head (${head.size} entries) of the ledger ${head.origin}, not a byte of it changed`] };
  }

  // Today's ledger (C2SP tlog-tiles), where the page is served by it --------------------------------------------------

  /** Hashes of perfect subtrees of the tree of `size` leaves, from its public tiles. */
  function tiles(address, size) {
    const known = new Map();
    const asked = async path => {
      const answer = await fetch(address + path, { credentials: "omit" });
      if (!answer.ok) throw new Refuted(`网站没有公开应有的哈希块 ${path}`, `the site does not publish the tile ${path}, which must be there`);
      return new Uint8Array(await answer.arrayBuffer());
    };
    const pathOf = (level, number, width) => {
      const groups = [String(number % 1000).padStart(3, "0")];
      while (number >= 1000) { number = Math.floor(number / 1000); groups.unshift("x" + String(number % 1000).padStart(3, "0")); }
      return `tile/${level}/${groups.join("/")}${width < 256 ? `.p/${width}` : ""}`;
    };
    const node = async (level, number) => {
      const above = Math.floor(level / 8), span = 2 ** (level % 8), first = number * span, tile = Math.floor(first / 256);
      const width = Math.min(Math.floor(size / 256 ** above) - tile * 256, 256), path = pathOf(above, tile, width);
      if (!known.has(path)) known.set(path, await asked(path));
      const data = known.get(path), at = (first % 256) * 32;
      let row = Array.from({ length: span }, (_, n) => data.subarray(at + n * 32, at + n * 32 + 32));
      while (row.length > 1) row = await Promise.all(Array.from({ length: row.length / 2 }, (_, n) => nodeHash(row[2 * n], row[2 * n + 1])));
      return row[0];
    };
    const half = count => 2 ** Math.floor(Math.log2(count - 1));      // the largest power of two below
    const over = async (lo, hi) => {
      const level = Math.log2(hi - lo);
      if (Number.isInteger(level)) return node(level, lo / (hi - lo));
      const middle = lo + half(hi - lo);
      return nodeHash(await over(lo, middle), await over(middle, hi));
    };
    /** The proof that leaves [0, size) continue the first `old` (RFC 6962 §2.1.2). */
    const proof = async (old, lo = 0, hi = size, whole = true) => {
      if (old === hi - lo) return whole ? [] : [await over(lo, hi)];
      const middle = lo + half(hi - lo);
      return old <= middle - lo
        ? [...await proof(old, lo, middle, whole), await over(middle, hi)]
        : [...await proof(old - (middle - lo), middle, hi, false), await over(lo, middle)];
    };
    return { proof };
  }

  /** Whether the head that the site shows now continues the receipt's. */
  async function sinceThen(address, head, policy) {
    const answer = await fetch(address + "checkpoint", { cache: "no-store", credentials: "omit" });
    if (!answer.ok) throw new Unusable("网站此刻没有给出日志头，请稍后再试", "the site gives no head just now; try again later");
    const now = readHead(new Uint8Array(await answer.arrayBuffer()));
    const logs = policy.logs.filter(key => key.name === now.origin);
    if (now.origin !== head.origin) throw new Unusable(`此网站的账本是 ${shown(now.origin)}，与凭据的不同`, `this site's ledger is ${shown(now.origin)}, not the receipt's`);
    if (!(await signersOf(now.note, logs)).size) {
      throw new Unusable("今天的日志头由新的公钥签名：请用账本新的信任策略再验证", "today's head is signed by a newer key: verify again with the ledger's new policy");
    }
    const rewritten = new Refuted(`今天的日志头（${now.size} 条）不是凭据日志头的接续：历史被改写`, `today's head, of ${now.size} entries, does not continue the receipt's: history was rewritten`);
    if (now.size < head.size) throw new Refuted(`网站的日志头只有 ${now.size} 条，少于凭据的 ${head.size} 条：账本被退回`, `the site's head has ${now.size} entries, fewer than the receipt's ${head.size}: the ledger was set back`);
    if (now.size === head.size ? !same(now.root, head.root) : !await isContinued(head, now, await tiles(address, Number(now.size)).proof(Number(head.size)))) throw rewritten;
    return [`今天的账本有 ${now.size} 条分录，凭据当时的 ${head.size} 条原样在内`, `today's ledger has ${now.size} entries, and those ${head.size} of the receipt are in it as they were`];
  }

  // The browser itself ------------------------------------------------------------------------------------------------

  /** Says why this browser cannot judge, null when it can: a signature of RFC 8032 §7.1 is right, and wrong when changed. */
  async function whyNot() {
    if (!globalThis.crypto?.subtle) {
      return ["此页面经不加密的 http 打开，浏览器不提供核对所需的功能。请改用 https 地址，或下载离线验证页在本机打开",
        "this page came by plain http, where browsers withhold what checking needs. Use the https address, or download the offline page and open it from your disk"];
    }
    const key = unhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");
    const signature = unhex("e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b");
    try {
      if (await isSignature(key, new Uint8Array(), signature) && !await isSignature(key, new Uint8Array([0]), signature)) return null;
    } catch { /* said below */ }
    return ["此浏览器不能核对 Ed25519 签名，所以无法验证。请升级浏览器（Chrome 137、Firefox 129、Safari 17 或更新），或用 verify.py",
      "this browser cannot check Ed25519 signatures, so nothing can be verified. Use a newer one (Chrome 137, Firefox 129, Safari 17 or later), or verify.py"];
  }

  globalThis.fenhao = { verify };   // for whoever checks many, and for tests

  // The page ----------------------------------------------------------------------------------------------------------

  const language = document.documentElement.lang.startsWith("zh") ? 0 : 1;
  const form = document.getElementById("verify"), result = document.getElementById("verify-result");
  const MARKS = { pass: ["✓", "通过", "passed"], fail: ["✗", "不通过", "failed"], wait: ["…", "进行中", "under way"] };
  const VERDICTS = {
    0: ["pass", "凭据成立", "The receipt holds"],
    1: ["fail", "凭据不成立", "The receipt does not hold"],
    2: ["none", "无法验证", "It cannot be verified"],
    other: ["fail", "凭据成立，但与您所知不符", "The receipt holds, but says other than you expect"],
    later: ["fail", "凭据成立，但账本后来被改写", "The receipt holds, but the ledger was rewritten since"],
  };

  function element(tag, members = {}, ...children) {
    const made = Object.assign(document.createElement(tag), members);
    made.append(...children.filter(child => child !== null));
    return made;
  }

  function placeOf(name) {
    const words = setting.words.places ?? {}, [kind, ...rest] = name.split("/");
    const key = kind === "used" && rest.length === 1 ? "cash" : kind;
    const ids = rest.map(one => words[one] && kind === "cost" ? words[one] : one.replaceAll("%2F", "/").replaceAll("%25", "%"));
    return [words[key] ?? kind, ids.join(" · ")].filter(Boolean).join(language ? ": " : "：");
  }

  /** What the entry says, for a reader who knows no JSON, and the exact bytes for one who does. */
  function told({ entry, receipt, code }) {
    const { data } = entry, runs = runsOf(data), pair = (zh, en, value) =>
      value === undefined || value === "" ? [] : [element("div", {}, element("dt", {}, language ? en : zh), element("dd", {}, String(value)))];
    const head = ["号段|金额|从|到", "Serials|Amount|From|To"][language].split("|");
    const rows = runs.slice(0, 50).map(one => element("tr", {},
      element("td", { className: "serials" }, `${one.tape}:${one.lo}-${one.hi}`),
      element("td", { className: "amount" }, money(one.hi - one.lo)),
      element("td", {}, one.from === undefined ? ["新收", "new"][language] : placeOf(one.from)),
      element("td", {}, placeOf(one.to))));
    const more = runs.length > 50 ? element("p", {}, [`另有 ${runs.length - 50} 段，见原文`, `${runs.length - 50} more are in the exact bytes`][language]) : null;
    const table = element("div", { className: "scroll", tabIndex: 0, role: "region", ariaLabel: ["善款编号", "Serials"][language] },
      element("table", {}, element("thead", {}, element("tr", {}, ...head.map((text, at) => element("th", { scope: "col", className: at === 1 ? "amount" : "" }, text)))), element("tbody", {}, ...rows)));
    return [
      element("h3", {}, (code ? ["这份文件自称（未得到证明）", "What this file claims, which is not proven"] : ["分录说了什么", "What the entry says"])[language]),
      element("dl", { className: "facts" },
        ...pair("事项", "Fact", setting.words.types?.[entry.type] ?? entry.type), ...pair("编号", "Record", entry.stream),
        ...pair("记账日期", "Posted on", data.on), ...pair("登记时间", "Recorded at", `${entry.at.slice(0, 19).replace("T", " ")} UTC`),
        ...pair("金额", "Amount", amountOf(data) ? `${money(amountOf(data))} ${setting.currency}` : ""), ...pair("树根", "Root", hex(receipt.head.root))),
      runs.length ? table : null, more,
      element("details", {}, element("summary", {}, ["分录原文", "The exact bytes"][language]), element("pre", { tabIndex: 0 }, leniently.decode(receipt.entry))),
    ];
  }

  /** Writes a step into the list, or over what the list says of it. */
  function writeStep(step, state, said) {
    const [mark, zh, en] = MARKS[state], id = `step-${step}`;
    const made = element("li", { id, className: state },
      element("span", { className: "mark", ariaHidden: "true" }, mark),
      element("strong", {}, STEPS[step][language], element("span", { className: "unseen" }, ` ${[zh, en][language]}`)),
      element("span", { className: "said" }, said[language]));
    document.getElementById(id)?.replaceWith(made) ?? document.getElementById("verify-steps").append(made);
  }

  function show(verdict, said, asks = true) {
    const [state, zh, en] = VERDICTS[verdict], title = document.getElementById("verify-verdict");
    result.hidden = false;
    result.dataset.verdict = state;
    title.textContent = [zh, en][language];
    document.getElementById("verify-said").textContent = said[language];
    document.getElementById("verify-trust").hidden = state !== "pass";
    if (asks) title.focus();
  }

  function clear() {
    result.hidden = true;
    delete result.dataset.verdict;
    for (const id of ["verify-steps", "verify-entry"]) document.getElementById(id).replaceChildren();
  }

  const policyText = () => {
    const text = form.elements.policy.value.trim();
    return /^\S+\+[0-9a-f]{8}\+\S+$/.test(text) ? `log ${text}\nquorum none\n` : text + "\n";   // a verifier key alone will do
  };

  async function judge(bytes) {
    clear();
    const reason = await whyNot();
    if (reason) return show(2, reason);
    const { amount, on, serials } = form.elements;
    const expected = { amount: amount.value.trim(), on: on.value, serials: serials.value };
    const found = await verify(bytes, policyText(), expected, writeStep);
    if (found.entry) document.getElementById("verify-entry").replaceChildren(...told(found).filter(Boolean));
    if (found.code) return show(found.wrong === "expected" && found.code === 1 ? "other" : found.code, found.said);
    show(0, found.said);
    if (setting.log && location.protocol.startsWith("http")) await compare(found);
  }

  async function compare({ receipt, policy }) {
    writeStep("today", "wait", ["正在取今天的日志头", "fetching today's head"]);
    try {
      writeStep("today", "pass", await sinceThen(setting.log, receipt.head, policy));
    } catch (fault) {
      const said = fault.said ?? ["网络不通，未能与今天的账本比较；凭据本身成立", "no connection, so it was not compared with today's ledger; the receipt itself holds"];
      writeStep("today", "fail", said);
      if (fault instanceof Refuted) show("later", said);
    }
  }

  /** The receipt of an entry, from the ledger itself, for who is entitled to it. */
  async function fetched(seq) {
    const answer = await fetch(setting.receipt.replace("{seq}", encodeURIComponent(seq)), { cache: "no-store" });
    if (answer.ok) return new Uint8Array(await answer.arrayBuffer());
    throw new Unusable(...({
      401: ["要取这张凭据，请先登录", "sign in to be given this receipt"],
      403: ["这条分录不涉及您的善款，不能取它的凭据", "this entry is not about your money, so you cannot have its receipt"],
      404: ["没有这条分录，或它尚未签名：新登记的分录几秒后才有凭据", "there is no such entry, or it is not signed yet: a new entry has its receipt after some seconds"],
    }[answer.status] ?? ["此刻取不到凭据，请稍后再试", "the receipt cannot be had just now; try again later"]));
  }

  async function start(getBytes) {
    try {
      await judge(await getBytes());
    } catch (fault) {
      clear();
      show(2, fault.said ?? (fault instanceof TypeError
        ? ["网络不通，取不到凭据", "no connection, so the receipt cannot be had"]
        : ["浏览器在核对途中出错，结果不可用：" + fault.message, "the browser failed on the way, so there is no result: " + fault.message]));
    }
  }

  if (form) {
    Object.assign(setting, JSON.parse(document.getElementById("verify-setting").textContent));
    clear();   // a page saved to disk is saved with what it showed
    const file = form.elements.receipt, drop = document.getElementById("verify-drop");
    const bytesFrom = async chosen => new Uint8Array(await chosen.arrayBuffer());
    form.addEventListener("submit", event => {
      event.preventDefault();
      if (file.files.length) start(() => bytesFrom(file.files[0]));
      else show(2, ["请先选择一个凭据文件（.tlog-proof）", "choose a receipt first (a .tlog-proof file)"]);
    });
    file.addEventListener("change", () => file.files.length && start(() => bytesFrom(file.files[0])));
    drop.addEventListener("dragover", event => { event.preventDefault(); drop.classList.add("over"); });
    drop.addEventListener("dragleave", () => drop.classList.remove("over"));
    drop.addEventListener("drop", event => {
      event.preventDefault();
      drop.classList.remove("over");
      if (event.dataTransfer.files.length) start(() => bytesFrom(event.dataTransfer.files[0]));
    });
    const seq = new URLSearchParams(location.search).get("entry");
    if (seq !== null && setting.receipt && location.protocol.startsWith("http")) start(() => fetched(seq));
  }
})();
