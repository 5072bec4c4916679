"""Time-stamp authorities for tests: one made of `openssl ts` behind real HTTP, and one that stamps any time and way."""

from __future__ import annotations

import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from hashlib import new as new_hash
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from audit import verify

Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey
LONG_AGO, LONG_HENCE = datetime(2020, 1, 1, tzinfo=UTC), datetime(2090, 1, 1, tzinfo=UTC)


@cache
def rsa_key(number: int = 0) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048 + 8 * number)


def name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


@dataclass(frozen=True)
class Holder:
    """A certificate with its private key."""

    certificate: x509.Certificate
    key: Key

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(Encoding.PEM)

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(Encoding.DER)


def issue(
    issuer: Holder | None,
    title: str,
    key: Key,
    *,
    purposes: tuple[x509.ObjectIdentifier, ...] = (),
    critical: bool = True,
    ca: bool = False,
    path_length: int | None = None,
    since: datetime = LONG_AGO,
    until: datetime = LONG_HENCE,
    more: tuple[tuple[x509.ExtensionType, bool], ...] = (),
) -> Holder:
    """A certificate; without an issuer one that signs itself."""
    builder = (
        x509.CertificateBuilder()
        .subject_name(name(title))
        .issuer_name(issuer.certificate.subject if issuer else name(title))
        .public_key(key.public_key())
        .serial_number(int.from_bytes(sha256(title.encode()).digest()[:8], "big") >> 1)
        .not_valid_before(since)
        .not_valid_after(until)
        .add_extension(x509.BasicConstraints(ca, path_length), critical=True)
    )
    if purposes:
        builder = builder.add_extension(x509.ExtendedKeyUsage(purposes), critical=critical)
    for extension, must in more:
        builder = builder.add_extension(extension, critical=must)
    signing = issuer.key if issuer else key
    used = None if isinstance(signing, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    return Holder(builder.sign(signing, used), key)


STAMPING = (ExtendedKeyUsageOID.TIME_STAMPING,)


@cache
def root(title: str = "root") -> Holder:
    return issue(None, title, rsa_key(1), ca=True)


@cache
def stamper(title: str = "stamper") -> Holder:
    return issue(root(), title, rsa_key(), purposes=STAMPING)


# An authority that stamps any time, in any of the ways that authorities sign (RFC 3161 §2.4, RFC 5652 §5)


def der(tag: int, *parts: bytes) -> bytes:
    body = b"".join(parts)
    length = len(body)
    if length < 0x80:
        return bytes([tag, length]) + body
    octets = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(octets)]) + octets + body


def sequence(*parts: bytes) -> bytes:
    return der(0x30, *parts)


def integer(value: int) -> bytes:
    return der(0x02, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def oid(dotted: str) -> bytes:
    first, second, *rest = map(int, dotted.split("."))
    body = b""
    for number in (40 * first + second, *rest):
        groups = [number & 0x7F]
        while number := number >> 7:
            groups.append(0x80 | number & 0x7F)
        body += bytes(reversed(groups))
    return der(0x06, body)


def decode_request(query: bytes) -> tuple[bytes, bytes]:
    """Imprint and nonce of a query, as they stand there."""
    [request] = verify.read_der(query)
    _, imprint, *more = request.parts()
    return imprint.whole, b"".join(one.whole for one in more if one.tag == 0x02)


HASH_OIDS = {f"sha{bits}": f"2.16.840.1.101.3.4.2.{n}" for n, bits in ((1, 256), (2, 384), (3, 512))}
INFO = "1.2.840.113549.1.9.16.1.4"


def attribute(dotted: str, *values: bytes) -> bytes:
    return sequence(oid(dotted), der(0x31, *values))


def sign(key: Key, data: bytes, hash_name: str, pss: bool) -> tuple[bytes, bytes]:
    """The signature algorithm and the signature."""
    used = getattr(hashes, hash_name.upper())()
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return sequence(oid("1.3.101.112")), key.sign(data)
    if isinstance(key, ec.EllipticCurvePrivateKey):
        last = {"sha256": 2, "sha384": 3, "sha512": 4}[hash_name]
        return sequence(oid(f"1.2.840.10045.4.3.{last}")), key.sign(data, ec.ECDSA(used))
    if pss:
        hashed = sequence(oid(HASH_OIDS[hash_name]))
        masked = sequence(oid("1.2.840.113549.1.1.8"), hashed)
        how = sequence(der(0xA0, hashed), der(0xA1, masked), der(0xA2, integer(used.digest_size)))
        signature = key.sign(data, padding.PSS(padding.MGF1(used), used.digest_size), used)
        return sequence(oid("1.2.840.113549.1.1.10"), how), signature
    return sequence(oid("1.2.840.113549.1.1.1"), der(0x05)), key.sign(data, padding.PKCS1v15(), used)


@dataclass(frozen=True)
class Stamper:
    """An authority of our own making."""

    holder: Holder
    among: tuple[Holder, ...] = ()
    hash: str = "sha256"
    pss: bool = False
    naming: str = "v2"
    """How the signer's certificate is named: v2, v2 with its hash said, or v1 (SHA-1)."""
    status: int = 0
    content: str = INFO
    """What the signed attributes say is signed."""
    skips: str = ""
    """A signed attribute that is left out."""

    def answer(self, stamped: bytes, at: datetime) -> bytes:
        """The whole answer, `.tsr`."""
        algorithm = sequence(oid(HASH_OIDS[self.hash]), der(0x05))
        return self._signed(sequence(algorithm, der(0x04, new_hash(self.hash, stamped).digest())), at, b"")

    def to(self, query: bytes, at: datetime) -> bytes:
        """The answer to a query: over its imprint, with its nonce."""
        asked = decode_request(query)
        return self._signed(asked[0], at, asked[1])

    def _signed(self, imprint: bytes, at: datetime, nonce: bytes) -> bytes:
        algorithm = sequence(oid(HASH_OIDS[self.hash]), der(0x05))
        time = f"{at:%Y%m%d%H%M%S.%f}".rstrip("0").rstrip(".").encode() + b"Z"
        info = sequence(
            integer(1),
            oid("1.2.3.4"),
            imprint,
            integer(7),
            der(0x18, time),
            nonce,
        )
        said = {
            "content": attribute("1.2.840.113549.1.9.3", oid(self.content)),
            "digest": attribute("1.2.840.113549.1.9.4", der(0x04, new_hash(self.hash, info).digest())),
            "signer": self._named(),
        }
        attributes = b"".join(sorted(value for key, value in said.items() if key != self.skips))
        scheme, signature = sign(self.holder.key, der(0x31, attributes), self.hash, self.pss)
        certificate = self.holder.certificate
        signer = sequence(
            integer(1),
            sequence(certificate.issuer.public_bytes(), integer(certificate.serial_number)),
            algorithm,
            der(0xA0, attributes),
            scheme,
            der(0x04, signature),
        )
        signed = sequence(
            integer(3),
            der(0x31, algorithm),
            sequence(oid(INFO), der(0xA0, der(0x04, info))),
            der(0xA0, *(holder.der for holder in (self.holder, *self.among))),
            der(0x31, signer),
        )
        token = sequence(oid("1.2.840.113549.1.7.2"), der(0xA0, signed))
        return sequence(sequence(integer(self.status)), token)

    def _named(self) -> bytes:
        if self.naming == "v1":
            one = sequence(der(0x04, new_hash("sha1", self.holder.der, usedforsecurity=False).digest()))
            return attribute("1.2.840.113549.1.9.16.2.12", sequence(sequence(one)))
        if self.naming == "sha512":
            digest = der(0x04, new_hash("sha512", self.holder.der).digest())
            one = sequence(sequence(oid(HASH_OIDS["sha512"])), digest)
        else:
            one = sequence(der(0x04, sha256(self.holder.der).digest()))
        return attribute("1.2.840.113549.1.9.16.2.47", sequence(sequence(one)))


# `openssl ts` behind HTTP

CONFIG = """
[tsa]
default_tsa = here
[here]
serial = {folder}/serial
default_policy = 1.2.3.4
signer_digest = sha256
digests = sha256, sha384, sha512
accuracy = secs:1
ess_cert_id_alg = sha256
"""


class OpensslAuthority:
    """Answers as `openssl ts` does, from a folder with the holder's certificate and key."""

    def __init__(self, folder: Path, holder: Holder, among: tuple[Holder, ...] = ()) -> None:
        folder.mkdir(parents=True)
        self.folder = folder
        (folder / "serial").write_text("01\n")
        (folder / "ts.conf").write_text(CONFIG.format(folder=folder))
        (folder / "signer.pem").write_bytes(holder.pem)
        (folder / "chain.pem").write_bytes(b"".join(one.pem for one in among))
        (folder / "key.pem").write_bytes(
            holder.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
        )
        self._chain = ["-chain", str(folder / "chain.pem")] if among else []

    def answer(self, query: bytes) -> bytes:
        """The answer to a query, as the program gives it."""
        files = [self.folder / one for one in ("query.tsq", "answer.tsr")]
        files[0].write_bytes(query)
        command = ["openssl", "ts", "-reply", "-config", self.folder / "ts.conf", "-queryfile", files[0]]
        command += ["-signer", self.folder / "signer.pem", "-inkey", self.folder / "key.pem", *self._chain]
        subprocess.run([*map(str, command), "-out", str(files[1])], check=True, capture_output=True)
        return files[1].read_bytes()

    def stamp(self, data: bytes, hash_name: str = "sha256") -> bytes:
        """The answer over these bytes."""
        path, query = self.folder / "data", self.folder / "own.tsq"
        path.write_bytes(data)
        command = ["openssl", "ts", "-query", "-data", str(path), f"-{hash_name}", "-cert", "-out", str(query)]
        subprocess.run(command, check=True, capture_output=True)
        return self.answer(query.read_bytes())


needs_openssl = pytest.mark.skipif(
    shutil.which("openssl") is None, reason="openssl is not installed: see .ci/packages.txt"
)


@contextmanager
def serving(answer: Callable[[bytes], bytes], status: int = 200) -> Iterator[str]:
    """An authority over real HTTP; its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert self.headers["Content-Type"] == "application/timestamp-query"
            body = answer(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(status)
            self.send_header("Content-Type", "application/timestamp-reply")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Nothing is said."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/tsa"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
