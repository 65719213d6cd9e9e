"""A front before the sandbox that can go away: while it is closed, whoever
connects is refused."""

import socket
import threading


def pump(source, sink):
    try:
        while data := source.recv(65536):
            sink.sendall(data)
    except OSError:
        pass
    for end in (source, sink):
        try:
            end.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


class Front:
    def __init__(self, target):
        host, _, port = target.rpartition("/")[2].partition(":")
        self.target = (host, int(port))
        self.port = 0
        self.listener = None
        self.open()
        self.url = f"http://127.0.0.1:{self.port}"

    def open(self):
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind(("127.0.0.1", self.port))
        self.port = self.listener.getsockname()[1]
        self.listener.listen(64)
        threading.Thread(target=self.serve, args=(self.listener,),
                         daemon=True).start()

    def serve(self, listener):
        try:
            while True:
                client, _ = listener.accept()
                server = socket.create_connection(self.target)
                for ends in ((client, server), (server, client)):
                    threading.Thread(target=pump, args=ends,
                                     daemon=True).start()
        except OSError:
            pass

    def close(self):
        """What is open goes on; nobody else gets in."""
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
