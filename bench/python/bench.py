"""Measures kazoo's recipes as it is told, one line at a time: see driver.go."""

import logging
import queue
import sys
import threading
import time

from kazoo.client import KazooClient
from kazoo.recipe.cache import TreeCache, TreeEvent

now = time.perf_counter_ns
PAYLOAD = b"x" * 100
pools = {}
running = []  # what ends whatever a run has left running


def client(servers, i):
    """The i-th session with the servers, kept from one run to the next."""
    pool = pools.setdefault(servers, [])
    while len(pool) <= i:
        pool.append(connect(servers))
    return pool[i]


def connect(servers, timeout=4.0):
    zk = KazooClient(hosts=servers, timeout=timeout)
    zk.start(30)
    return zk


class Run:
    def __init__(self, servers, path, clients, sessions, ops, warm):
        self.servers, self.path, self.clients, self.sessions, self.ops, self.warm = servers, path, clients, sessions, ops, warm
        self.client = lambda i: client(servers, i)

    def each(self, op):
        """Operations one after the other; one that knows itself when it was done returns that."""
        for i in range(self.warm):
            op(i)
        times = []
        begin = now()
        for i in range(self.ops):
            start = now()
            done = op(self.warm + i)
            times.append((done or now()) - start)
        return now() - begin, self.ops, times

    def crowd(self, count, op):
        """Operations by several threads at once."""
        gate, mutex, left = threading.Event(), threading.Lock(), [count]
        times, failed = [], []

        def work(c):
            gate.wait()
            try:
                while True:
                    with mutex:
                        left[0] -= 1
                        if left[0] < 0:
                            return
                    start = now()
                    op(c)
                    times.append(now() - start)
            except Exception as e:  # told to whoever asked
                failed.append(e)

        threads = [threading.Thread(target=work, args=(c,)) for c in range(self.clients)]
        for thread in threads:
            thread.start()
        begin = now()
        gate.set()
        for thread in threads:
            thread.join()
        if failed:
            raise failed[0]
        return now() - begin, count, times

    def lock(self):
        locks = [self.client(i % self.sessions).Lock(self.path) for i in range(self.clients)]

        def op(c):
            locks[c].acquire()
            locks[c].release()

        if self.clients == 1:
            return self.each(lambda i: op(0))
        self.crowd(max(self.clients, self.warm), op)
        return self.crowd(self.ops, op)

    def elect(self):
        """From the end of the leading function until the function of the other is called."""
        times = []
        for i in range(self.warm + self.ops):
            lead, resign, leads, when = threading.Event(), threading.Event(), threading.Event(), []
            first = self.client(0).Election(self.path, "a")
            second = self.client(1).Election(self.path, "b")

            def rule():
                lead.set()
                resign.wait()
                when.append(now())

            def succeed():
                when.append(now())
                leads.set()

            a = threading.Thread(target=first.run, args=(rule,))
            a.start()
            lead.wait()
            b = threading.Thread(target=second.run, args=(succeed,))
            b.start()
            while len(first.contenders()) < 2:
                time.sleep(0.001)
            time.sleep(0.04)  # its watch is set after its node
            resign.set()
            leads.wait()
            a.join()
            b.join()
            if i >= self.warm:
                times.append(when[1] - when[0])
        return sum(times), self.ops, times

    def terms(self):
        """As many candidates as sessions; each wants to lead again as soon as it has resigned."""
        elections = [self.client(i).Election(self.path, "c%d" % i) for i in range(self.clients)]

        def op(c):
            elections[c].run(lambda: None)

        self.crowd(max(self.clients, self.warm), op)
        return self.crowd(self.ops, op)

    def open(self):
        """A TreeCache in a session of its own, from its start until all nodes are there; it stays open."""
        complete = threading.Event()
        zk = connect(self.servers)
        cache = TreeCache(zk, self.path)
        cache.listen(lambda event: complete.set() if event.event_type == TreeEvent.INITIALIZED else None)
        start = now()
        cache.start()
        complete.wait()
        running.extend([zk.close, zk.stop, cache.close])  # from the last to the first
        return now() - start, 1, []

    def stop(self):
        while running:
            running.pop()()
        return 0, 0, []

    close = stop

    def change(self):
        """From before the set of a key until the listener of a TreeCache has the value."""
        writer, seen, complete = self.client(0), queue.Queue(), threading.Event()

        def listen(event):
            if event.event_type == TreeEvent.INITIALIZED:
                complete.set()
            elif event.event_type == TreeEvent.NODE_UPDATED:
                seen.put((event.event_data.data, now()))

        cache = TreeCache(self.client(1), self.path)
        cache.listen(listen)
        cache.start()
        complete.wait()

        def op(i):
            value = str(now()).encode()
            written = writer.set_async("%s/k%05d" % (self.path, i), value)
            data, done = seen.get()
            while data != value:
                data, done = seen.get()
            written.get()
            return done

        try:
            return self.each(op)
        finally:
            cache.close()

    def config(self):
        """From before the set until a DataWatch of another session has the value."""
        writer, reader = self.client(0), self.client(1)
        writer.create(self.path, b"0")
        seen, going = queue.Queue(), [True]

        def watch(data, stat):
            seen.put((data, now()))
            return going[0]

        reader.DataWatch(self.path, watch)
        seen.get()

        def op(i):
            value = str(i + 1).encode()
            written = writer.set_async(self.path, value)
            data, done = seen.get()
            while data != value:
                data, done = seen.get()
            written.get()
            return done

        result = self.each(op)
        going[0] = False
        return result

    def put(self):
        q = self.client(0).Queue(self.path)
        
        def op(_):
            q.put(PAYLOAD)

        return self.each(op)

    def take(self):
        q = self.client(0).Queue(self.path)
        for _ in range(self.warm + self.ops):
            q.put(PAYLOAD)
        
        def op(_):
            q.get()

        return self.each(op)

    def consume(self):
        q = self.client(0).LockingQueue(self.path)
        q.put_all([PAYLOAD] * (self.warm + self.ops))

        def op(_):
            q.get()
            q.consume()

        return self.each(op)

    def consumers(self):
        """Begins to consume what is there, with a consumer in each session. A long list may keep a session waiting."""
        ended, failed = threading.Event(), []
        sessions = [connect(self.servers, 20.0) for _ in range(self.clients)]

        def work(q):
            try:
                while not ended.is_set():
                    if q.get(timeout=0.5) is not None:
                        q.consume()
            except Exception as e:  # told to whoever asked
                failed.append(e)

        threads = [threading.Thread(target=work, args=(zk.LockingQueue(self.path),), daemon=True) for zk in sessions]
        for thread in threads:
            thread.start()

        def end():
            ended.set()
            for thread in threads:
                thread.join()
            for zk in sessions:
                zk.stop()
                zk.close()
            if failed:
                raise failed[0]

        running.append(end)
        return 0, 0, []


logging.disable(logging.CRITICAL)
for line in sys.stdin:
    verb, servers, path, *numbers = line.split()
    try:
        elapsed, ops, times = getattr(Run(servers, path, *map(int, numbers)), verb)()
        print("ok", elapsed, ops, ",".join(map(str, times)), flush=True)
    except Exception as e:  # told to whoever asked
        print("fail", " ".join(repr(e).split()), flush=True)
for pool in pools.values():
    for zk in pool:
        zk.stop()
        zk.close()
