import java.util.concurrent.CountDownLatch;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.recipes.cache.CuratorCache;
import org.apache.curator.framework.recipes.cache.CuratorCacheListener;

/** A cache of a tree, which is open until it is closed together with its session. */
final class Views {
  private CuratorFramework client;
  private CuratorCache cache;

  /** How long it takes until all nodes are there, of which there are at least so many. */
  long open(CuratorFramework client, String path, int nodes) throws Exception {
    this.client = client;
    CountDownLatch complete = new CountDownLatch(1);
    long start = System.nanoTime();
    cache = CuratorCache.build(client, path);
    cache.listenable().addListener(CuratorCacheListener.builder().forInitialized(complete::countDown).build());
    cache.start();
    complete.await();
    long elapsed = System.nanoTime() - start;
    if (cache.size() < nodes) {
      throw new IllegalStateException(cache.size() + " nodes instead of " + nodes);
    }
    return elapsed;
  }

  void close() {
    cache.close();
    client.close();
  }
}
