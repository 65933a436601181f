"""An authority, and certificates by it: for servers and for clients of mutual TLS.

In: keys. Out: PEM. Invariant: a name inside a client's certificate says nothing true, so that nobody may rely on it.
"""

import datetime as dt
import ipaddress

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

DAY = dt.timedelta(days=1)


def named(text):
    """A certificate's name."""
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def pem_of(key):
    """A private key as a file has it."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


class Authority:
    """An authority of one test."""

    def __init__(self, name="test authority"):
        self._key, self._name = ec.generate_private_key(ec.SECP256R1()), named(name)
        self.roots = self._sign(self._name, self._key.public_key(), x509.BasicConstraints(ca=True, path_length=None))

    def server(self, folder):
        """Writes a server's certificate for loopback; returns the paths (certificate, key, roots)."""
        key = ec.generate_private_key(ec.SECP256R1())
        address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
        chain = self._sign(named("localhost"), key.public_key(), x509.SubjectAlternativeName([address]))
        for name, content in (("tls.crt", chain), ("tls.key", pem_of(key)), ("roots.pem", self.roots)):
            (folder / name).write_bytes(content)
        return tuple(str(folder / name) for name in ("tls.crt", "tls.key", "roots.pem"))

    def client(self, key, name="operators/ling"):
        """A client's certificate."""
        return self._sign(named(name), key.public_key(), x509.BasicConstraints(ca=False, path_length=None))

    def _sign(self, subject, public_key, extension):
        now = dt.datetime.now(dt.UTC)
        built = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(public_key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - DAY)
            .not_valid_after(now + DAY)
            .add_extension(extension, critical=False)
        )
        return built.sign(self._key, hashes.SHA256()).public_bytes(Encoding.PEM)
