"""A front before the sandbox that speaks TLS, by a certificate of the tests'
own."""

import ssl
import subprocess
import threading

import front


def certificate(folder, names="IP:127.0.0.1", days=60):
    """Files with a certificate, which vouches for itself, and its key."""
    cert, key = f"{folder}/cert.pem", f"{folder}/key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
         "ec_paramgen_curve:P-256", "-nodes", "-days", str(days), "-subj",
         "/CN=front", "-addext", f"subjectAltName={names}", "-keyout", key,
         "-out", cert], check=True, capture_output=True)
    return cert, key


class SecureFront(front.Front):
    def __init__(self, target, cert, key):
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(cert, key)
        super().__init__(target)
        self.url = f"https://127.0.0.1:{self.port}"

    def serve(self, listener):
        try:
            while True:
                client, _ = listener.accept()
                threading.Thread(target=self.talk, args=(client,),
                                 daemon=True).start()
        except OSError:
            pass

    def talk(self, client):
        """One request, one answer: TLS cannot be pumped by two threads."""
        try:
            with self.context.wrap_socket(client, server_side=True) as secure:
                self.exchange(secure)
        except OSError:
            pass  # whoever does not trust us leaves

    def exchange(self, secure):
        head = b""
        while b"\r\n\r\n" not in head:
            head += secure.recv(65536)
        head, _, body = head.partition(b"\r\n\r\n")
        lines = head.split(b"\r\n")
        length = sum(int(line.split(b":")[1]) for line in lines
                     if line.lower().startswith(b"content-length:"))
        while len(body) < length:
            body += secure.recv(65536)
        with front.socket.create_connection(self.target) as server:
            server.sendall(b"\r\n".join([*lines, b"Connection: close"]) +
                           b"\r\n\r\n" + body)
            while data := server.recv(65536):
                secure.sendall(data)
