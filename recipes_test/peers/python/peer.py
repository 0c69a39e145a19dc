"""A process that uses kazoo's recipes as it is told over a socket.

A command is a line: number, actor, verb and arguments with tabs between them. The answer is a line with the number, "ok" or
"fail", and a text. Each actor is a thread of its own and does its commands one after the other. The first line that the process
sends says what it has loaded: "loaded", a tab, and name, version and path.
"""

import queue
import socket
import sys
import threading

import kazoo
from kazoo.client import KazooClient
from kazoo.exceptions import LockTimeout
from kazoo.recipe.lock import Lock


class CuratorNamedLock(Lock):
    """kazoo's lock with Curator's node names: the spelling that may share a path with Curator.

    The name alone does not do: a lock that does not heed its own name waits for nobody.
    """

    _NODE_NAME = "-lock-"
    _EXCLUDE_NAMES = ["-lock-", "__lock__"]


class Misnamed(Lock):
    """Curator's node name without heeding it: unsafe."""

    _NODE_NAME = "-lock-"


class Actor:
    """One thread with the recipes that it uses."""

    def __init__(self, client, say):
        self.client = client
        self.say = say
        self.tasks = queue.Queue()
        self.kept = {}
        threading.Thread(target=self.work, daemon=True).start()

    def work(self):
        while True:
            number, verb, args = self.tasks.get()
            try:
                method = getattr(self, "do_" + verb.replace(".", "_"))
                value = method(*args)
                self.say("%s\tok\t%s" % (number, "" if value is None else value))
            except Exception as error:  # whatever it is, the test wants to know
                text = " ".join(("%s: %s" % (type(error).__name__, error)).split())
                self.say("%s\tfail\t%s" % (number, text))

    def keep(self, kind, path, make):
        key = (kind, path)
        if key not in self.kept:
            self.kept[key] = make()
        return self.kept[key]

    # Locks. A spelling says which node names a lock uses and heeds.

    def lock(self, path, spelling):
        def make():
            if spelling == "default":
                return self.client.Lock(path, "kazoo")
            if spelling == "extra":
                return self.client.Lock(path, "kazoo", extra_lock_patterns=["-lock-"])
            if spelling == "named":
                return CuratorNamedLock(self.client, path, "kazoo")
            if spelling == "misnamed":
                return Misnamed(self.client, path, "kazoo")
            raise ValueError("unknown spelling " + spelling)

        return self.keep("lock", path, make)

    def do_lock_acquire(self, path, spelling, milliseconds):
        try:
            got = self.lock(path, spelling).acquire(timeout=int(milliseconds) / 1000.0)
        except LockTimeout:
            got = False
        return str(got).lower()

    def do_lock_release(self, path, spelling):
        self.lock(path, spelling).release()

    def do_lock_contenders(self, path, spelling):
        return " ".join(self.lock(path, spelling).contenders())

    # What stands in no other library's layout.

    def do_lock_write(self, path, milliseconds):
        return str(self.client.WriteLock(path).acquire(timeout=int(milliseconds) / 1000.0)).lower()

    def do_lock_permit(self, path, limit, milliseconds):
        return str(self.client.Semaphore(path, max_leases=int(limit)).acquire(timeout=int(milliseconds) / 1000.0)).lower()

    def do_elect_lead(self, path, identifier, milliseconds):
        return str(self.client.Election(path, identifier).lock.acquire(timeout=int(milliseconds) / 1000.0)).lower()

    def do_group_join(self, path, identifier):
        self.keep("party", path, lambda: self.client.Party(path, identifier)).join()

    def do_group_members(self, path):
        return " ".join(sorted(self.kept[("party", path)]))

    # Meetings.

    def do_meet_set(self, path):
        self.client.Barrier(path).create()

    def do_meet_lift(self, path):
        self.client.Barrier(path).remove()

    def do_meet_wait(self, path, milliseconds):
        return str(self.client.Barrier(path).wait(int(milliseconds) / 1000.0)).lower()

    def do_meet_enter(self, path, count):
        self.keep("double", path, lambda: self.client.DoubleBarrier(path, int(count))).enter()

    def do_meet_leave(self, path):
        self.kept.pop(("double", path)).leave()

    # Counters.

    def do_count_text(self, path, delta):
        counter = self.client.Counter(path, default=0)
        counter += int(delta)
        return counter.value

    def do_count_int(self, path, delta):
        counter = self.client.Counter(path, support_curator=True)
        counter += int(delta)
        return counter.value

    # Queues.

    def do_queue_put(self, path, text, priority):
        self.client.Queue(path).put(text.encode(), int(priority))

    def do_queue_get(self, path):
        item = self.client.Queue(path).get()
        return "" if item is None else item.decode()

    def locking(self, path):
        return self.keep("locking", path, lambda: self.client.LockingQueue(path))

    def do_queue_lput(self, path, text, priority):
        self.locking(path).put(text.encode(), int(priority))

    def do_queue_lget(self, path, milliseconds):
        item = self.locking(path).get(timeout=int(milliseconds) / 1000.0)
        return "" if item is None else item.decode()

    def do_queue_consume(self, path):
        return str(self.locking(path).consume()).lower()

    def do_queue_release(self, path):
        return str(self.locking(path).release()).lower()


def main():
    host, port = sys.argv[1].split(":")
    client = KazooClient(hosts=sys.argv[2], timeout=int(sys.argv[3]) / 1000.0)
    client.start(30)
    control = socket.create_connection((host, int(port)))
    sending = threading.Lock()

    def say(line):
        with sending:
            control.sendall((line + "\n").encode())

    say("loaded\tkazoo %s %s" % (kazoo.__version__, kazoo.__file__))
    actors = {}
    for line in control.makefile(encoding="utf-8"):
        number, actor, verb, *args = line.rstrip("\n").split("\t")
        if actor not in actors:
            actors[actor] = Actor(client, say)
        actors[actor].tasks.put((number, verb, args))
    client.stop()
    client.close()


main()
