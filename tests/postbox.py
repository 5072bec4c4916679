"""A little mail server (SMTP, RFC 5321) on a free port, that keeps what it is sent; TLS or STARTTLS."""

from __future__ import annotations

import base64
import ipaddress
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

USER, PASSWORD = "ledger", "post office"


@dataclass
class Postbox:
    """Where it is, the certificate that vouches for it, and what came: (login, over TLS, recipient, message)."""

    port: int = 0
    certificate: Path = Path()
    refuses: bool = False
    open: bool = True
    got: list[tuple[str, bool, str, str]] = field(default_factory=list)

    def serve(self, connection: socket.socket) -> None:
        """One conversation, and the end of the connection."""
        login, to = "", ""
        lines = connection.makefile("rb")

        def say(text: str) -> None:
            connection.sendall(text.encode() + b"\r\n")

        try:
            say("220 test")
            while line := lines.readline().decode().strip():
                verb = line.upper()
                if verb.startswith("EHLO"):
                    say("250-test\r\n250-AUTH PLAIN\r\n250-8BITMIME\r\n250 STARTTLS")
                elif verb == "STARTTLS":
                    say("220 go on")
                    lines.close()
                    connection = self.context().wrap_socket(connection, server_side=True)
                    lines = connection.makefile("rb")
                elif verb.startswith("AUTH PLAIN"):
                    login = base64.b64decode(line.split(" ")[2]).decode().replace("\0", " ").strip()
                    say("235 good" if login == f"{USER} {PASSWORD}" else "535 no")
                elif verb.startswith("RCPT"):
                    to = line.partition("<")[2].partition(">")[0]
                    say(f"550 {to} is not here" if self.refuses else "250 good")
                elif verb == "DATA":
                    say("354 go on")
                    message = b"".join(iter(lines.readline, b".\r\n")).decode()
                    self.got.append((login, isinstance(connection, ssl.SSLSocket), to, message))
                    say("250 kept")
                else:
                    say("221 bye" if verb == "QUIT" else "250 good")
        except OSError:
            pass  # who does not trust the certificate hangs up
        finally:
            lines.close()
            connection.close()

    def context(self) -> ssl.SSLContext:
        """What it shows to who asks for TLS."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, self.certificate.with_suffix(".key"))
        return context


@contextmanager
def postbox(folder: Path, *, tls: bool) -> Iterator[Postbox]:
    """A server that runs; with `tls` from the first byte."""
    made = Postbox(certificate=folder / "mail.pem")
    _certify(made.certificate)
    listening = socket.create_server(("127.0.0.1", 0))
    made.port = listening.getsockname()[1]

    def run() -> None:
        while True:
            connection, _ = listening.accept()
            connection.settimeout(10)
            if not made.open:
                connection.close()
                return
            try:
                made.serve(made.context().wrap_socket(connection, server_side=True) if tls else connection)
            except OSError:
                connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield made
    finally:
        made.open = False
        socket.create_connection(listening.getsockname()).close()
        thread.join()
        listening.close()


def _certify(path: Path) -> None:
    """A certificate of its own for 127.0.0.1, with its key beside it."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mail")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    path.with_suffix(".key").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
