"""Certificates that nobody else has, made by openssl."""

import os
import socket
import ssl
import subprocess

NAMES = "subjectAltName=DNS:localhost,IP:127.0.0.1"


def openssl(*argv):
    subprocess.run(["openssl", *argv], check=True, capture_output=True,
                   timeout=60)


def key_options(key):
    return ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
            "-keyout", key]


class Pair:
    """A certificate for this machine that signs for itself, and its key."""

    def __init__(self, folder, name="tls", days=1):
        self.certificate = os.path.join(str(folder), f"{name}.pem")
        self.key = os.path.join(str(folder), f"{name}-key.pem")
        request = self.certificate + ".request"
        names = self.certificate + ".names"
        with open(names, "w", encoding="ascii") as f:
            f.write(NAMES)
        openssl("req", "-new", *key_options(self.key), "-subj", f"/CN={name}",
                "-out", request)
        openssl("x509", "-req", "-in", request, "-signkey", self.key,
                "-days", str(days), "-extfile", names, "-out",
                self.certificate)

    @property
    def settings(self):
        return {"tls_certificate": self.certificate, "tls_key": self.key}


class Chain:
    """A certificate behind one in the middle, whose root is self.root."""

    def __init__(self, folder):
        def path(name):
            return os.path.join(str(folder), name)

        def sign(name, by, extension):
            with open(path("extension"), "w", encoding="ascii") as f:
                f.write(extension)
            openssl("req", "-new", *key_options(path(f"{name}-key.pem")),
                    "-subj", f"/CN={name}", "-out", path("request"))
            signer = ["-CA", path(f"{by}.pem"), "-CAkey",
                      path(f"{by}-key.pem"), "-CAcreateserial"] if by else \
                ["-signkey", path(f"{name}-key.pem")]
            openssl("x509", "-req", "-in", path("request"), *signer,
                    "-days", "1", "-extfile", path("extension"), "-out",
                    path(f"{name}.pem"))

        sign("root", None, "basicConstraints=critical,CA:true")
        sign("middle", "root", "basicConstraints=critical,CA:true")
        sign("leaf", "middle", NAMES)
        self.root = path("root.pem")
        self.settings = {"tls_certificate": path("full.pem"),
                         "tls_key": path("leaf-key.pem")}
        with open(path("full.pem"), "w", encoding="ascii") as full:
            for name in ("leaf.pem", "middle.pem"):
                with open(path(name), encoding="ascii") as f:
                    full.write(f.read())


def address(reunite):
    host, port = reunite.http.address.split(":")
    return host, int(port)


def shown_name(reunite):
    """The common name of the certificate that a stranger is shown."""
    rules = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    rules.check_hostname = False
    rules.verify_mode = ssl.CERT_NONE
    with socket.create_connection(address(reunite), timeout=20) as plain, \
            rules.wrap_socket(plain) as peer:
        der = peer.getpeercert(binary_form=True)
    done = subprocess.run(["openssl", "x509", "-inform", "der", "-noout",
                           "-subject", "-nameopt", "multiline"], input=der,
                          capture_output=True, check=True, timeout=60)
    return done.stdout.decode().split("= ")[1].strip()
