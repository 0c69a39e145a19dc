"""A process that says what kazoo's recipes make of bytes.

A question on standard input is a length in four bytes, the name of a layout, a line feed and the bytes. The answer on standard
output is a length and a text: "+" and what was read, or "-:" and the reason. A text with several parts has a line for each; bytes
are hexadecimal.
"""

import struct
import sys

from kazoo.exceptions import NoNodeError
from kazoo.handlers.threading import SequentialThreadingHandler
from kazoo.recipe.counter import Counter
from kazoo.recipe.lock import Lock, ReadLock, WriteLock
from kazoo.recipe.queue import LockingQueue, Queue
from kazoo.version import __version__


class Stat(object):
    version = 7


class Client(object):
    """As much of a client as the recipes need to read: what it holds are children with data, and nothing is written."""

    handler = SequentialThreadingHandler()

    def __init__(self, data=b"", children=()):
        self.data = data
        self.children = list(children)
        self.written = None

    def ensure_path(self, path):
        return True

    def get(self, path, watch=None):
        name = path.rpartition("/")[2]
        if self.children and name not in self.children:
            raise NoNodeError()
        return self.data, Stat()

    def set(self, path, data, version=-1):
        self.written = data

    def get_children(self, path, watch=None):
        return [] if path.endswith("/taken") else list(self.children)

    def create(self, path, data=b"", ephemeral=False, sequence=False):
        self.written = path
        return path

    def delete(self, path):
        self.children.remove(path.rpartition("/")[2])

    def retry(self, function, *args, **kwargs):
        return function(*args, **kwargs)


class CuratorNamedLock(Lock):
    _NODE_NAME = "-lock-"
    _EXCLUDE_NAMES = ["-lock-", "__lock__"]


LOCKS = {"mutex": CuratorNamedLock, "kazoo": Lock, "reader": ReadLock, "writer": WriteLock}


def predecessor(data):
    """The kind of lock, its own name and the children, a line for each: the name of the predecessor."""
    kind, own, *children = data.decode("utf-8").split("\n")
    lock = LOCKS[kind](Client(children=children), "/l")
    lock.prefix = own[:-10]  # as if it had made the name
    return lock._get_predecessor(own) or ""


def taken(queue, client):
    """The names in the order in which a queue gets them."""
    names = []
    while client.children:
        before = set(client.children)
        queue.get()
        names.extend(before - set(client.children))
    return "\n".join(names)


def locked(children):
    return "\n".join(LockingQueue(Client(), "/q")._filter_locked(children, []))


def put(make, priority):
    client = Client()
    make(client, "/q").put(b"x", int(priority))
    return client.written


def read(layout, data):
    if layout == "ready":
        return ""
    if layout == "version":
        return __version__
    if layout == "number":
        return str(Counter(Client(data), "/n").value)
    if layout == "fraction":
        return str(Counter(Client(data), "/n", default=0.0).value)
    if layout == "count":
        return str(Counter(Client(data), "/n", support_curator=True).value)
    if layout == "number plus nothing":  # what it writes back
        client = Client(data)
        Counter(client, "/n").__add__(0)
        return client.written.hex()
    if layout == "count plus nothing":
        client = Client(data)
        Counter(client, "/n", support_curator=True).__add__(0)
        return client.written.hex()
    if layout == "queue":
        client = Client(b"x", data.decode("utf-8").split("\n"))
        return taken(Queue(client, "/q"), client)
    if layout == "locking queue":
        return locked(data.decode("utf-8").split("\n"))
    if layout == "queue name":
        return put(Queue, data)
    if layout == "locking queue name":
        return put(LockingQueue, data)
    if layout == "predecessor":
        return predecessor(data)
    raise ValueError("unknown layout " + layout)


def main():
    questions, answers = sys.stdin.buffer, sys.stdout.buffer
    while True:
        head = questions.read(4)
        if len(head) < 4:
            return
        question = questions.read(struct.unpack(">i", head)[0])
        layout, _, data = question.partition(b"\n")
        try:
            text = "+" + read(layout.decode(), data)
        except Exception as error:  # whatever it is, it is the answer
            text = "-:%s: %s" % (type(error).__name__, error)
        answer = text.encode("utf-8", "surrogatepass")
        answers.write(struct.pack(">i", len(answer)) + answer)
        answers.flush()


main()
