import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.recipes.queue.DistributedDelayQueue;
import org.apache.curator.framework.recipes.queue.DistributedIdQueue;
import org.apache.curator.framework.recipes.queue.DistributedPriorityQueue;
import org.apache.curator.framework.recipes.queue.DistributedQueue;
import org.apache.curator.framework.recipes.queue.QueueBase;
import org.apache.curator.framework.recipes.queue.QueueBuilder;
import org.apache.curator.framework.recipes.queue.QueueConsumer;
import org.apache.curator.framework.recipes.queue.QueueSerializer;
import org.apache.curator.framework.recipes.queue.SimpleDistributedQueue;
import org.apache.curator.framework.state.ConnectionState;

/** Queues. A consumer tells "item TEXT", and never finishes with an item whose text begins with "stall". */
final class Queues implements Main.Family {
  private final CuratorFramework client;
  private final Main.Teller teller;
  private final Map<String, QueueBase<String>> queues = new HashMap<>();

  Queues(CuratorFramework client, Main.Teller teller) {
    this.client = client;
    this.teller = teller;
  }

  @Override
  public String call(String verb, String[] args) throws Exception {
    String path = args[0];
    switch (verb) {
      case "open": // path, kind (fifo, priority, delay, id), role (put, consume), the path of the claims or nothing
        open(path, args[1], args[2].equals("consume"), args[3]);
        return "";
      case "put": // path, text
        ((DistributedQueue<String>) queues.get(path)).put(args[1]);
        return "";
      case "priority": // path, text, priority
        ((DistributedPriorityQueue<String>) queues.get(path)).put(args[1], Integer.parseInt(args[2]));
        return "";
      case "delay": // path, text, milliseconds
        ((DistributedDelayQueue<String>) queues.get(path)).put(args[1], System.currentTimeMillis() + Long.parseLong(args[2]));
        return "";
      case "id": // path, text, id
        ((DistributedIdQueue<String>) queues.get(path)).put(args[1], args[2]);
        return "";
      case "multi": // path, texts: one node holds them all
        ((DistributedQueue<String>) queues.get(path)).putMulti(new Texts(args));
        return "";
      case "flush": // puts are done in the background
        return String.valueOf(queues.get(path).flushPuts(Long.parseLong(args[1]), TimeUnit.MILLISECONDS));
      case "close":
        queues.remove(path).close();
        return "";
      case "offer":
        return String.valueOf(new SimpleDistributedQueue(client, path).offer(args[1].getBytes(StandardCharsets.UTF_8)));
      case "poll": // path, milliseconds
        byte[] item = new SimpleDistributedQueue(client, path).poll(Long.parseLong(args[1]), TimeUnit.MILLISECONDS);
        return item == null ? "" : new String(item, StandardCharsets.UTF_8);
      default:
        throw Main.unknown(verb);
    }
  }

  private void open(String path, String kind, boolean consume, String claims) throws Exception {
    QueueBuilder<String> builder = QueueBuilder.builder(client, consume ? new Consumer() : null, new Text(), path);
    if (!claims.isEmpty()) {
      builder = builder.lockPath(claims);
    }
    QueueBase<String> queue;
    switch (kind) {
      case "fifo":
        queue = builder.buildQueue();
        break;
      case "priority":
        queue = builder.buildPriorityQueue(1);
        break;
      case "delay":
        queue = builder.buildDelayQueue();
        break;
      case "id":
        queue = builder.buildIdQueue();
        break;
      default:
        throw new IllegalArgumentException("unknown kind of queue " + kind);
    }
    queue.start();
    queues.put(path, queue);
  }

  private final class Consumer implements QueueConsumer<String> {
    @Override
    public void consumeMessage(String text) throws InterruptedException {
      teller.tell("item " + text);
      if (text.startsWith("stall")) { // and is never done with it
        new CountDownLatch(1).await();
      }
    }

    @Override
    public void stateChanged(CuratorFramework ignored, ConnectionState state) {
      // The queue itself copes with it.
    }
  }

  /** The arguments behind the path, one after the other. */
  private static final class Texts implements org.apache.curator.framework.recipes.queue.MultiItem<String> {
    private final String[] args;
    private int next = 1;

    Texts(String[] args) {
      this.args = args;
    }

    @Override
    public String nextItem() {
      return next < args.length ? args[next++] : null;
    }
  }

  private static final class Text implements QueueSerializer<String> {
    @Override
    public byte[] serialize(String text) {
      return text.getBytes(StandardCharsets.UTF_8);
    }

    @Override
    public String deserialize(byte[] bytes) {
      return new String(bytes, StandardCharsets.UTF_8);
    }
  }
}
