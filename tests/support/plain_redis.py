"""A minimal Redis client for tests and benchmarks, independent of leeway's own. It needs only Python's
standard library."""
import socket


class Redis:
    """redis("HGET", key, field): replies are bytes, integers, lists or None."""

    error = RuntimeError  # raised when the server refuses a command, or is away

    def __init__(self, address, timeout=20, db=0):
        self.address, self.db = address, db
        host, port = address.rsplit(":", 1)
        self.socket = socket.create_connection((host, int(port)), timeout)
        self.file = self.socket.makefile("rb")
        if db:
            self("SELECT", db)

    def close(self):
        self.file.close()
        self.socket.close()

    def __call__(self, *words):
        out = [b"*%d\r\n" % len(words)]
        for word in words:
            word = word if isinstance(word, bytes) else str(word).encode()
            out.append(b"$%d\r\n%s\r\n" % (len(word), word))
        self.socket.sendall(b"".join(out))
        return self.reply()

    def reply(self):
        """The next reply, for a connection that receives more than one per command."""
        line = self.file.readline()
        if not line.endswith(b"\r\n"):
            raise self.error(f"Redis at {self.address} closed the connection")
        kind, rest = line[:1], line[1:-2]
        if kind == b"-":
            raise self.error("Redis: " + rest.decode())
        if kind == b"+":
            return rest
        if kind == b":":
            return int(rest)
        if kind == b"$":
            return None if rest == b"-1" else self.file.read(int(rest) + 2)[:-2]
        return None if rest == b"-1" else [self.reply() for _ in range(int(rest))]

    def info(self, section):
        """INFO as {name: text}."""
        return dict(line.split(":", 1) for line in self("INFO", section).decode().split("\r\n") if ":" in line)

    def raw(self, key):
        """A hash as bytes; `hash` returns texts."""
        flat = self("HGETALL", key)
        return dict(zip(flat[::2], flat[1::2]))

    def hash(self, key):
        return {k.decode(): v.decode("utf-8", "replace") for k, v in self.raw(key).items()}

    def keys(self, pattern):
        found, cursor = set(), b"0"
        pattern = pattern.replace("[", "\\[")
        while True:
            cursor, some = self("SCAN", cursor, "MATCH", pattern, "COUNT", 1000)
            found.update(some)
            if cursor == b"0":
                return sorted(k.decode() for k in found)

    def entries(self, key):
        """The entries of a Redis stream: [(id, {field: text})]."""
        return [(i.decode(), {k.decode(): v.decode("utf-8", "replace")
                              for k, v in zip(f[::2], f[1::2])})
                for i, f in self("XRANGE", key, "-", "+")]
