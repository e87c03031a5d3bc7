#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""bad_clients.py KIND HOST PORT SECONDS: many clients at once that do no good, for so long, or until
SIGTERM. Each that is dropped comes again. Says when all are there, and at the end how many connections
were made, and how many of them answered."""
import selectors
import signal
import socket
import sys
import time

NUMBER = 200
REQUEST = b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n"
# Each text that there is. Who hoards them keeps below a number of clients at which all have less time.
TEXTS = [b"GET %s HTTP/1.1\r\nHost: a\r\n%s%s\r\n" % (path, accept, encoding)
         for encoding in (b"", b"Accept-Encoding: gzip\r\n")
         for path, accept in ((b"/metrics", b""),
                              (b"/metrics", b"Accept: application/openmetrics-text; version=1.0.0\r\n"),
                              (b"/", b""))]
HOARDERS = 60
HOARDERS_A_SECOND = 12


class Client:
    """A connection in the making, and what it does when it may write."""

    def __init__(self, kind, address, number):
        self.kind = kind
        self.text = TEXTS[number % len(TEXTS)]
        self.socket = socket.socket()
        if kind in ("unread", "hoard"):
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        self.socket.setblocking(False)
        self.socket.connect_ex(address)
        self.sent = 0
        self.read = 0
        self.next = 0

    def send(self, data):
        self.sent += self.socket.send(data)

    def act(self):
        """Called about every 50 ms."""
        kind = self.kind
        if kind == "half-open":  # says nothing at all
            return
        if kind == "slow":  # a byte now and then
            self.send(REQUEST[self.sent % len(REQUEST):][:1] if self.sent < 20 else b"a")
        elif kind == "headers":  # that never end
            self.send(b"GET / HTTP/1.1\r\n" if not self.sent else b"X-%d: %s\r\n" % (self.sent, b"a" * 500))
        elif kind == "post":  # a body that never ends
            self.send(b"POST /metrics HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000\r\n\r\n"
                      if not self.sent else b"a" * 1000)
        elif kind == "get-body":
            self.send(b"GET /metrics HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                      if not self.sent else b"1\r\na\r\n")
        elif kind == "garbage":
            self.send(b"\0\xff\x80GET\r\n\r\n\r\n: :\n" * 20)
        elif kind == "unread":  # asks, again and again, and never reads
            self.send(REQUEST)
        elif kind == "hoard":  # asks for one text of all kinds, and never reads
            if not self.sent:
                self.send(self.text)
        elif kind == "pipeline":  # asks for a thousand, reads all
            if not self.sent:
                self.send((b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n") * 1000)
        elif kind == "hang-up":  # asks, and is gone
            if self.sent:
                raise ConnectionResetError
            self.send(REQUEST)
        else:
            sys.exit(f"no such kind: {kind}")


def main():
    kind, host, port, seconds = sys.argv[1:]
    told_to_end = []
    signal.signal(signal.SIGTERM, lambda *_: told_to_end.append(True))
    address, begin = (host, int(port)), time.monotonic()
    end = begin + float(seconds)
    at_once = HOARDERS if kind == "hoard" else NUMBER
    selector = selectors.DefaultSelector()
    clients, made, answered = set(), 0, 0

    def leave(client):
        nonlocal answered
        answered += client.read > 0
        selector.unregister(client.socket)
        client.socket.close()
        clients.discard(client)

    def is_one_missing():
        if kind == "hoard" and made > (time.monotonic() - begin) * HOARDERS_A_SECOND:
            return False
        return len(clients) < at_once

    while time.monotonic() < end and not told_to_end:
        while is_one_missing():
            client = Client(kind, address, made)
            clients.add(client)
            selector.register(client.socket, selectors.EVENT_READ, client)
            made += 1
            if made == at_once:
                print("all there", flush=True)
        time.sleep(0.05)
        for key, _ in selector.select(0):
            client = key.data
            if kind in ("unread", "hoard") and client.read:
                continue
            try:
                data = client.socket.recv(100 if kind in ("unread", "hoard") else 65536)
                client.read += len(data)
                if not data:
                    leave(client)
            except BlockingIOError:
                pass
            except OSError:
                leave(client)
        for client in list(clients):
            try:
                client.act()
            except BlockingIOError:
                pass
            except OSError as error:
                if error.errno != 107:  # not connected yet
                    leave(client)
    print(made, answered + sum(client.read > 0 for client in clients))


main()
