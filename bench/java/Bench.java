import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.CuratorFrameworkFactory;
import org.apache.curator.framework.recipes.cache.CuratorCache;
import org.apache.curator.framework.recipes.cache.CuratorCacheListener;
import org.apache.curator.framework.recipes.leader.LeaderLatch;
import org.apache.curator.framework.recipes.leader.LeaderLatchListener;
import org.apache.curator.framework.recipes.locks.InterProcessMutex;
import org.apache.curator.framework.recipes.queue.SimpleDistributedQueue;
import org.apache.curator.retry.ExponentialBackoffRetry;

/** Measures Curator's recipes as it is told, one line at a time: see driver.go. */
public final class Bench {
  interface Op {
    void run(int client, int i) throws Exception;
  }

  private final Map<String, List<CuratorFramework>> pools = new HashMap<>();
  private final Queues queues = new Queues();
  private final Views views = new Views();
  private String servers;
  private String path;
  private int clients;
  private int sessions;
  private int ops;
  private int warm;

  public static void main(String[] args) throws Exception {
    Bench bench = new Bench();
    BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      String answer;
      try {
        answer = bench.run(line.split(" "));
      } catch (Exception e) {
        answer = "fail " + String.valueOf(e).replace('\n', ' ');
      }
      System.out.println(answer);
      System.out.flush();
    }
    for (List<CuratorFramework> pool : bench.pools.values()) {
      pool.forEach(CuratorFramework::close);
    }
    System.exit(0); // threads of recipes may be waiting
  }

  private String run(String[] words) throws Exception {
    servers = words[1];
    path = words[2];
    clients = Integer.parseInt(words[3]);
    sessions = Integer.parseInt(words[4]);
    ops = Integer.parseInt(words[5]);
    warm = Integer.parseInt(words[6]);
    switch (words[0]) {
      case "lock":
        return lock(false);
      case "threads":
        return lock(true);
      case "elect":
        return elect();
      case "config":
        return config();
      case "put":
        return put();
      case "take":
        return take();
      case "consume":
        return answer(queues.consume(client(0), path, ops), ops, List.of());
      case "consumers":
        queues.start(connectAll(clients, 20000), path); // a long list may keep a session waiting
        return answer(0, 0, List.of());
      case "stop":
        queues.stop();
        return answer(0, 0, List.of());
      case "terms":
        return terms();
      case "open":
        return answer(open(), 1, List.of());
      case "close":
        views.close();
        return answer(0, 0, List.of());
      case "change":
        return change();
      default:
        throw new IllegalArgumentException("no such measure: " + words[0]);
    }
  }

  /** The i-th session with the servers, kept from one run to the next. */
  private CuratorFramework client(int i) throws Exception {
    List<CuratorFramework> pool = pools.computeIfAbsent(servers, s -> new ArrayList<>());
    while (pool.size() <= i) {
      CuratorFramework client = connect(4000);
      await(client);
      pool.add(client);
    }
    return pool.get(i);
  }

  /** Sessions that belong to the caller. */
  private List<CuratorFramework> connectAll(int n, int timeout) throws Exception {
    List<CuratorFramework> all = new ArrayList<>();
    for (int i = 0; i < n; i++) {
      all.add(connect(timeout));
    }
    for (CuratorFramework client : all) {
      await(client);
    }
    return all;
  }

  private CuratorFramework connect(int timeout) {
    CuratorFramework client = CuratorFrameworkFactory.builder()
        .connectString(servers)
        .sessionTimeoutMs(timeout)
        .connectionTimeoutMs(4000)
        .retryPolicy(new ExponentialBackoffRetry(50, 5, 1000))
        .build();
    client.start();
    return client;
  }

  private static void await(CuratorFramework client) throws Exception {
    if (!client.blockUntilConnected(30, TimeUnit.SECONDS)) {
      throw new IllegalStateException("no connection");
    }
  }

  static String answer(long elapsed, int ops, List<Long> each) {
    StringBuilder text = new StringBuilder("ok ").append(elapsed).append(' ').append(ops);
    char separator = ' ';
    for (long nanos : each) {
      text.append(separator).append(nanos);
      separator = ',';
    }
    return text.toString();
  }

  /** Operations one after the other. */
  private String each(Op op) throws Exception {
    return eachUntil(i -> {
      op.run(0, i);
      return System.nanoTime();
    });
  }

  interface Timed {
    long run(int i) throws Exception;
  }

  /** Operations that know themselves when they were done. */
  private String eachUntil(Timed op) throws Exception {
    for (int i = 0; i < warm; i++) {
      op.run(i);
    }
    List<Long> each = new ArrayList<>();
    long begin = System.nanoTime();
    for (int i = 0; i < ops; i++) {
      long start = System.nanoTime();
      each.add(op.run(warm + i) - start);
    }
    return answer(System.nanoTime() - begin, ops, each);
  }

  /** Operations by several threads at once. */
  private String crowd(int count, Op op, boolean measured) throws Exception {
    CountDownLatch gate = new CountDownLatch(1);
    AtomicInteger left = new AtomicInteger(count);
    AtomicReference<Exception> failed = new AtomicReference<>();
    List<List<Long>> times = new ArrayList<>();
    List<Thread> threads = new ArrayList<>();
    for (int c = 0; c < clients; c++) {
      int number = c;
      List<Long> mine = new ArrayList<>();
      times.add(mine);
      Thread thread = new Thread(() -> {
        try {
          gate.await();
          while (left.decrementAndGet() >= 0) {
            long start = System.nanoTime();
            op.run(number, 0);
            mine.add(System.nanoTime() - start);
          }
        } catch (Exception e) {
          failed.set(e);
        }
      });
      threads.add(thread);
      thread.start();
    }
    long begin = System.nanoTime();
    gate.countDown();
    for (Thread thread : threads) {
      thread.join();
    }
    long elapsed = System.nanoTime() - begin;
    if (failed.get() != null) {
      throw failed.get();
    }
    List<Long> all = new ArrayList<>();
    times.forEach(all::addAll);
    return measured ? answer(elapsed, count, all) : "";
  }

  /** Either each client has a mutex of its own, or all threads of one process share one. */
  private String lock(boolean shared) throws Exception {
    InterProcessMutex[] locks = new InterProcessMutex[clients];
    for (int i = 0; i < clients; i++) {
      locks[i] = shared && i > 0 ? locks[0] : new InterProcessMutex(client(i % sessions), path);
    }
    Op op = (c, i) -> {
      locks[c].acquire();
      locks[c].release();
    };
    if (clients == 1) {
      return each(op);
    }
    crowd(Math.max(clients, warm), op, false);
    return crowd(ops, op, true);
  }

  /** As many candidates as sessions; each wants to lead again as soon as it has resigned. */
  private String terms() throws Exception {
    client(clients - 1);
    Op op = (c, i) -> {
      LeaderLatch latch = new LeaderLatch(client(c), path, "c" + c);
      latch.start();
      latch.await();
      latch.close();
    };
    crowd(Math.max(clients, warm), op, false);
    return crowd(ops, op, true);
  }

  /** From the close of the leading latch until the listener of the other is told that it leads. */
  private String elect() throws Exception {
    List<Long> each = new ArrayList<>();
    long total = 0;
    for (int i = 0; i < warm + ops; i++) {
      CountDownLatch leads = new CountDownLatch(1);
      long[] when = new long[1];
      LeaderLatch first = new LeaderLatch(client(0), path, "a");
      first.start();
      first.await();
      LeaderLatch second = new LeaderLatch(client(1), path, "b");
      second.addListener(new LeaderLatchListener() {
        @Override
        public void isLeader() {
          when[0] = System.nanoTime();
          leads.countDown();
        }

        @Override
        public void notLeader() {}
      });
      second.start();
      while (first.getParticipants().size() < 2) {
        Thread.sleep(1);
      }
      Thread.sleep(40); // its watch is set in the background
      long start = System.nanoTime();
      first.close();
      leads.await();
      if (i >= warm) {
        each.add(when[0] - start);
        total += when[0] - start;
      }
      second.close();
    }
    return answer(total, ops, each);
  }

  /** From before the set until the listener of a cache in another session has the value. */
  private String config() throws Exception {
    CuratorFramework writer = client(0);
    writer.create().forPath(path, "0".getBytes(StandardCharsets.UTF_8));
    LinkedBlockingQueue<Map.Entry<String, Long>> seen = new LinkedBlockingQueue<>();
    CuratorCache cache = CuratorCache.build(client(1), path, CuratorCache.Options.SINGLE_NODE_CACHE);
    cache.listenable().addListener(CuratorCacheListener.builder()
        .forCreatesAndChanges((before, now) -> seen.add(Map.entry(new String(now.getData(), StandardCharsets.UTF_8), System.nanoTime())))
        .build());
    cache.start();
    seen.take();
    String result = eachUntil(i -> {
      String value = String.valueOf(i + 1);
      writer.setData().inBackground().forPath(path, value.getBytes(StandardCharsets.UTF_8));
      Map.Entry<String, Long> news = seen.take();
      while (!news.getKey().equals(value)) {
        news = seen.take();
      }
      return news.getValue();
    });
    cache.close();
    return result;
  }

  /** A cache in a session of its own: what an earlier one has left on the server does not count. */
  private long open() throws Exception {
    CuratorFramework client = connect(4000);
    await(client);
    return views.open(client, path, ops);
  }

  /** From before the set of a key until the listener of the cache of a whole tree has the value. */
  private String change() throws Exception {
    CuratorFramework writer = client(0);
    LinkedBlockingQueue<Map.Entry<String, Long>> seen = new LinkedBlockingQueue<>();
    CountDownLatch complete = new CountDownLatch(1);
    CuratorCache cache = CuratorCache.build(client(1), path);
    cache.listenable().addListener(CuratorCacheListener.builder()
        .forChanges((before, now) -> seen.add(Map.entry(new String(now.getData(), StandardCharsets.UTF_8), System.nanoTime())))
        .forInitialized(complete::countDown)
        .build());
    cache.start();
    complete.await();
    String result = eachUntil(i -> {
      String value = String.valueOf(System.nanoTime());
      writer.setData().inBackground().forPath(String.format("%s/k%05d", path, i), value.getBytes(StandardCharsets.UTF_8));
      Map.Entry<String, Long> news = seen.take();
      while (!news.getKey().equals(value)) {
        news = seen.take();
      }
      return news.getValue();
    });
    cache.close();
    return result;
  }

  static byte[] payload() {
    byte[] data = new byte[100];
    java.util.Arrays.fill(data, (byte) 'x');
    return data;
  }

  private String put() throws Exception {
    SimpleDistributedQueue queue = new SimpleDistributedQueue(client(0), path);
    byte[] data = payload();
    return each((c, i) -> queue.offer(data));
  }

  private String take() throws Exception {
    SimpleDistributedQueue queue = new SimpleDistributedQueue(client(0), path);
    byte[] data = payload();
    for (int i = 0; i < warm + ops; i++) {
      queue.offer(data);
    }
    return each((c, i) -> queue.take());
  }
}
