import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.recipes.queue.DistributedQueue;
import org.apache.curator.framework.recipes.queue.QueueBuilder;
import org.apache.curator.framework.recipes.queue.QueueConsumer;
import org.apache.curator.framework.recipes.queue.QueueSerializer;
import org.apache.curator.framework.state.ConnectionState;

/** Queues that lock what they consume. */
final class Queues {
  private static final QueueSerializer<byte[]> PLAIN = new QueueSerializer<byte[]>() {
    @Override
    public byte[] serialize(byte[] item) {
      return item;
    }

    @Override
    public byte[] deserialize(byte[] bytes) {
      return bytes;
    }
  };

  private List<CuratorFramework> sessions = List.of();
  private final List<DistributedQueue<byte[]>> running = new ArrayList<>();

  private static QueueConsumer<byte[]> consumer(Runnable onMessage) {
    return new QueueConsumer<byte[]>() {
      @Override
      public void consumeMessage(byte[] message) {
        onMessage.run();
      }

      @Override
      public void stateChanged(CuratorFramework client, ConnectionState state) {}
    };
  }

  private static DistributedQueue<byte[]> queue(CuratorFramework client, String path, Runnable onMessage) {
    return QueueBuilder.builder(client, consumer(onMessage), PLAIN, path + "/q").lockPath(path + "/l").buildQueue();
  }

  /** From the start of a queue until it has consumed everything. */
  long consume(CuratorFramework client, String path, int ops) throws Exception {
    CountDownLatch left = new CountDownLatch(ops);
    DistributedQueue<byte[]> producer = QueueBuilder.builder(client, null, PLAIN, path + "/q").buildQueue();
    producer.start();
    byte[] data = Bench.payload();
    for (int i = 0; i < ops; i++) {
      producer.put(data);
    }
    producer.flushPuts(30, TimeUnit.SECONDS);
    producer.close();
    DistributedQueue<byte[]> queue = queue(client, path, left::countDown);
    long start = System.nanoTime();
    queue.start();
    left.await();
    long elapsed = System.nanoTime() - start;
    queue.close();
    return elapsed;
  }

  /** Begins to consume what is there, with a consumer in each session. stop closes the sessions too. */
  void start(List<CuratorFramework> clients, String path) throws Exception {
    sessions = clients;
    for (CuratorFramework client : clients) {
      DistributedQueue<byte[]> queue = queue(client, path, () -> {});
      running.add(queue);
      queue.start();
    }
  }

  void stop() throws Exception {
    for (DistributedQueue<byte[]> queue : running) {
      queue.close();
    }
    running.clear();
    sessions.forEach(CuratorFramework::close);
  }
}
