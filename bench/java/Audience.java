import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.recipes.cache.ChildData;
import org.apache.curator.framework.recipes.cache.CuratorCache;
import org.apache.curator.framework.recipes.cache.CuratorCacheListener;

/** Caches of one key, each with a session of its own. */
final class Audience {
  private final List<CuratorCache> caches = new ArrayList<>();
  private final List<CountDownLatch> complete = new ArrayList<>();
  private String expected;
  private int left;
  private long last;

  void follow(CuratorFramework client, String path) {
    CountDownLatch latch = new CountDownLatch(1);
    CuratorCache cache = CuratorCache.build(client, path, CuratorCache.Options.SINGLE_NODE_CACHE);
    cache.listenable().addListener(CuratorCacheListener.builder()
        .forChanges((before, now) -> has(now))
        .forInitialized(latch::countDown)
        .build());
    cache.start();
    caches.add(cache);
    complete.add(latch);
  }

  void awaitAll() throws Exception {
    for (CountDownLatch latch : complete) {
      if (!latch.await(30, TimeUnit.SECONDS)) {
        throw new IllegalStateException("a cache is not complete");
      }
    }
  }

  private synchronized void has(ChildData now) {
    if (!new String(now.getData(), StandardCharsets.UTF_8).equals(expected)) {
      return;
    }
    if (--left == 0) {
      last = System.nanoTime();
      notifyAll();
    }
  }

  synchronized void expect(String value) {
    expected = value;
    left = caches.size();
  }

  /** When the last cache had the value that is expected. */
  synchronized long last() throws Exception {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
    while (left > 0) {
      if (System.nanoTime() > deadline) {
        throw new IllegalStateException(left + " caches do not have the value");
      }
      wait(1000);
    }
    return last;
  }

  void close() {
    caches.forEach(CuratorCache::close);
  }
}
