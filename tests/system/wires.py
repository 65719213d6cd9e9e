"""Wires between programs that can be cut: what is sent is not refused, it
just does not arrive, as when a machine or the network between is gone. One
thread carries all of them."""

import asyncio
import contextlib
import re
import threading
import time

CHUNK = 65536
REQUEST = re.compile(rb"(?:GET|PUT|POST|DELETE) \S+")


class Loop:
    def __init__(self):
        self.loop = asyncio.new_event_loop()
        threading.Thread(target=self.loop.run_forever, daemon=True).start()

    def run(self, coroutine):
        return asyncio.run_coroutine_threadsafe(
            coroutine, self.loop).result(20)


_loop = None


def run(coroutine):
    global _loop  # pylint: disable=global-statement
    if _loop is None:
        _loop = Loop()
    return _loop.run(coroutine)


def abort(*writers):
    for writer in writers:
        writer.transport.abort()


class Wire:
    """Listens, and carries what comes to a target: a (host, port), or a
    function that says where to try, one after the other."""

    def __init__(self, target):
        self.targets = target if callable(target) else lambda: [target]
        self.requests = []  # (monotonic seconds, b"PUT /path")
        self.pairs = set()
        self.port = None
        self.whole = None
        self.last = None
        self.server = None
        run(self.open())

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    async def open(self):
        self.whole = asyncio.Event()
        self.whole.set()
        self.server = await asyncio.start_server(self.carry, "127.0.0.1", 0)
        self.port = self.server.sockets[0].getsockname()[1]

    async def reach(self):
        for host, port in self.targets():
            with contextlib.suppress(OSError):
                return await asyncio.open_connection(host, port)
        return None

    async def carry(self, reader, writer):
        await self.whole.wait()
        far = await self.reach()
        if far is None:
            abort(writer)
            return
        pair = (writer, far[1])
        self.pairs.add(pair)
        await asyncio.gather(self.pump(reader, far[1], True),
                             self.pump(far[0], writer, False))
        self.pairs.discard(pair)
        abort(*pair)

    async def pump(self, reader, writer, outwards):
        with contextlib.suppress(OSError):
            while data := await reader.read(CHUNK):
                if outwards and (found := REQUEST.match(data)):
                    self.requests.append((time.monotonic(), found[0]))
                await self.whole.wait()
                writer.write(data)
                if outwards and self.last and self.last in data:
                    self.whole.clear()
                await writer.drain()
        await self.whole.wait()
        with contextlib.suppress(OSError, RuntimeError):
            writer.write_eof()

    # --- for tests ---

    def cut(self):
        """From now on nothing arrives, neither way."""
        async def do():
            self.whole.clear()
        run(do())

    def cut_after(self, words):
        """As soon as something with these has been sent out."""
        self.last = words

    def mend(self, late=False):
        """What was under way is lost, or, `late`, arrives now."""
        async def do():
            self.last = None
            if not late:
                for pair in list(self.pairs):
                    abort(*pair)
            self.whole.set()
        run(do())

    def drop(self):
        """Every connection ends."""
        async def do():
            for pair in list(self.pairs):
                abort(*pair)
        run(do())

    def close(self):
        async def do():
            self.server.close()
            for pair in list(self.pairs):
                abort(*pair)
            self.whole.set()
        run(do())
