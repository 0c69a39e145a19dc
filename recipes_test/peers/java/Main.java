import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintWriter;
import java.io.OutputStreamWriter;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.CuratorFrameworkFactory;
import org.apache.curator.retry.ExponentialBackoffRetry;

/**
 * A process that uses Curator's recipes as it is told over a socket. A command is a line, number, actor, verb and arguments with
 * tabs between them; the answer is a line with the number, "ok" or "fail", and a text. Each actor is a thread of its own, since
 * Curator's locks belong to threads, and does its commands one after the other. A line that begins with "event" comes unasked.
 * The first line says what was loaded, see Loaded. With the one argument "loaded", the process prints that line and ends.
 */
public final class Main {
  private final CuratorFramework client;
  private final PrintWriter out;
  private final Map<String, Actor> actors = new ConcurrentHashMap<>();

  private Main(CuratorFramework client, PrintWriter out) {
    this.client = client;
    this.out = out;
  }

  public static void main(String[] args) throws Exception {
    if (args[0].equals("loaded")) {
      System.out.println(Loaded.line());
      return;
    }
    String[] control = args[0].split(":");
    int timeout = Integer.parseInt(args[2]);
    CuratorFramework client = CuratorFrameworkFactory.builder()
        .connectString(args[1])
        .sessionTimeoutMs(timeout)
        .connectionTimeoutMs(timeout)
        .retryPolicy(new ExponentialBackoffRetry(50, 29, 1000))
        .build();
    client.start();
    if (!client.blockUntilConnected(30, TimeUnit.SECONDS)) {
      System.err.println("no connection to " + args[1]);
      System.exit(1);
    }
    try (Socket socket = new Socket(control[0], Integer.parseInt(control[1]))) {
      BufferedReader in = new BufferedReader(new InputStreamReader(socket.getInputStream(), StandardCharsets.UTF_8));
      PrintWriter out = new PrintWriter(new OutputStreamWriter(socket.getOutputStream(), StandardCharsets.UTF_8), true);
      Main main = new Main(client, out);
      main.say(Loaded.line());
      for (String line = in.readLine(); line != null; line = in.readLine()) {
        main.take(line.split("\t", -1));
      }
    }
    client.close();
    System.exit(0); // threads that wait in a recipe would keep the process alive
  }

  private void take(String[] words) {
    Actor actor = actors.computeIfAbsent(words[1], name -> new Actor(client, text -> say("event\t" + name + "\t" + text)));
    actor.thread.execute(() -> {
      try {
        String value = actor.call(words[2], Arrays.copyOfRange(words, 3, words.length));
        say(words[0] + "\tok\t" + value);
      } catch (Throwable e) {
        say(words[0] + "\tfail\t" + e.toString().replaceAll("[\\t\\r\\n]", " "));
      }
    });
  }

  private synchronized void say(String line) {
    out.println(line);
  }

  /** Where an actor tells what happens to it. */
  interface Teller {
    void tell(String text);
  }

  /** A family of verbs, "family.verb". */
  interface Family {
    String call(String verb, String[] args) throws Exception;
  }

  private static final class Actor {
    final ExecutorService thread = Executors.newSingleThreadExecutor(task -> {
      Thread t = new Thread(task);
      t.setDaemon(true);
      return t;
    });
    private final Map<String, Family> families = new ConcurrentHashMap<>();

    Actor(CuratorFramework client, Teller teller) {
      families.put("lock", new Locks(client, teller));
      families.put("elect", new Elections(client, teller));
      families.put("meet", new Meetings(client));
      families.put("count", new Counters(client));
      families.put("queue", new Queues(client, teller));
      families.put("service", new Services(client));
    }

    String call(String verb, String[] args) throws Exception {
      int dot = verb.indexOf('.');
      Family family = dot < 0 ? null : families.get(verb.substring(0, dot));
      if (family == null) {
        throw new IllegalArgumentException("unknown verb " + verb);
      }
      return family.call(verb.substring(dot + 1), args);
    }
  }

  static IllegalArgumentException unknown(String verb) {
    return new IllegalArgumentException("unknown verb " + verb);
  }

  static byte[] unhex(String hex) {
    byte[] bytes = new byte[hex.length() / 2];
    for (int i = 0; i < bytes.length; i++) {
      bytes[i] = (byte) Integer.parseInt(hex.substring(2 * i, 2 * i + 2), 16);
    }
    return bytes;
  }

  static String hex(byte[] bytes) {
    StringBuilder text = new StringBuilder();
    for (byte b : bytes) {
      text.append(String.format("%02x", b));
    }
    return text.toString();
  }
}
