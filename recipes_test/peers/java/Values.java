import com.fasterxml.jackson.databind.JsonMappingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.CuratorFrameworkFactory;
import org.apache.curator.framework.imps.GzipCompressionProvider;
import org.apache.curator.framework.recipes.atomic.DistributedAtomicInteger;
import org.apache.curator.framework.recipes.atomic.DistributedAtomicLong;
import org.apache.curator.framework.recipes.locks.InterProcessReadWriteLock;
import org.apache.curator.framework.recipes.locks.LockInternals;
import org.apache.curator.framework.recipes.locks.LockInternalsSorter;
import org.apache.curator.framework.recipes.locks.StandardLockInternalsDriver;
import org.apache.curator.framework.recipes.nodes.GroupMember;
import org.apache.curator.framework.recipes.queue.DistributedDelayQueue;
import org.apache.curator.framework.recipes.queue.DistributedPriorityQueue;
import org.apache.curator.framework.recipes.queue.MultiItem;
import org.apache.curator.framework.recipes.queue.QueueSerializer;
import org.apache.curator.framework.recipes.shared.SharedCount;
import org.apache.curator.retry.ExponentialBackoffRetry;
import org.apache.curator.x.discovery.ServiceInstance;
import org.apache.curator.x.discovery.UriSpec;
import org.apache.curator.x.discovery.details.JsonInstanceSerializer;

/**
 * A process that says what Curator's classes make of bytes. A question on standard input is a length in four bytes, the name of a
 * layout, a line feed and the bytes. The answer on standard output is a length and a text: "+" and what was read, or "-", the
 * field that was refused, a colon and the reason. A text with several parts has a line for each; bytes are hexadecimal.
 */
public final class Values {
  private static final ObjectMapper plain = new ObjectMapper().configure(SerializationFeature.FAIL_ON_EMPTY_BEANS, false);
  private static final JsonInstanceSerializer<Object> objects = new JsonInstanceSerializer<>(Object.class, false);
  private static final JsonInstanceSerializer<Map> maps = new JsonInstanceSerializer<>(Map.class, false);
  private static final JsonInstanceSerializer<Object> compatible = new JsonInstanceSerializer<>(Object.class, true);
  private static final Map<String, CuratorFramework> clients = new HashMap<>();

  private Values() {}

  public static void main(String[] args) throws Exception {
    DataInputStream in = new DataInputStream(new BufferedInputStream(System.in, 1 << 16));
    DataOutputStream out = new DataOutputStream(new BufferedOutputStream(System.out, 1 << 16));
    for (;;) {
      if (in.available() == 0) {
        out.flush();
      }
      byte[] question;
      try {
        question = new byte[in.readInt()];
      } catch (EOFException e) {
        break;
      }
      in.readFully(question);
      byte[] answer = answer(question).getBytes(StandardCharsets.UTF_8);
      out.writeInt(answer.length);
      out.write(answer);
    }
    out.flush();
    System.exit(0);
  }

  private static String answer(byte[] question) {
    int end = 0;
    while (question[end] != '\n') {
      end++;
    }
    String layout = new String(question, 0, end, StandardCharsets.UTF_8);
    byte[] bytes = Arrays.copyOfRange(question, end + 1, question.length);
    try {
      return "+" + read(layout, bytes);
    } catch (Throwable e) {
      Throwable cause = e instanceof InvocationTargetException ? e.getCause() : e;
      String field = "";
      if (cause instanceof JsonMappingException && !((JsonMappingException) cause).getPath().isEmpty()) {
        field = String.valueOf(((JsonMappingException) cause).getPath().get(0).getFieldName());
      }
      return "-" + field + ":" + cause;
    }
  }

  private static String read(String layout, byte[] bytes) throws Exception {
    String text = new String(bytes, StandardCharsets.UTF_8);
    switch (layout) {
      case "ready":
        return "";
      case "version": // of the jar that a class was loaded from
        return Class.forName(text).getProtectionDomain().getCodeSource().getLocation().getPath();
      case "instance":
        return describe(objects.deserialize(bytes));
      case "instance of a map":
        return describe(maps.deserialize(bytes));
      case "instance again":
        return new String(objects.serialize(objects.deserialize(bytes)), StandardCharsets.UTF_8);
      case "instance again, compatible":
        return new String(compatible.serialize(objects.deserialize(bytes)), StandardCharsets.UTF_8);
      case "spec": // of a URI, as text
        return parts(new UriSpec(text)).toString();
      case "long":
        return String.valueOf(method(DistributedAtomicLong.class, "bytesToValue", byte[].class)
            .invoke(new DistributedAtomicLong(client(), "/n", new ExponentialBackoffRetry(1, 1)), bytes));
      case "int":
        return String.valueOf(method(DistributedAtomicInteger.class, "bytesToValue", byte[].class)
            .invoke(new DistributedAtomicInteger(client(), "/n", new ExponentialBackoffRetry(1, 1)), bytes));
      case "count":
        return String.valueOf(method(SharedCount.class, "fromBytes", byte[].class).invoke(null, bytes));
      case "long as bytes":
        return hex((byte[]) method(DistributedAtomicLong.class, "valueToBytes", Long.class)
            .invoke(new DistributedAtomicLong(client(), "/n", new ExponentialBackoffRetry(1, 1)), Long.valueOf(text)));
      case "int as bytes":
        return hex((byte[]) method(DistributedAtomicInteger.class, "valueToBytes", Integer.class)
            .invoke(new DistributedAtomicInteger(client(), "/n", new ExponentialBackoffRetry(1, 1)), Integer.valueOf(text)));
      case "count as bytes":
        return hex((byte[]) method(SharedCount.class, "toBytes", int.class).invoke(null, Integer.parseInt(text)));
      case "frame":
        return unframe(bytes);
      case "frame as bytes": // the items in hexadecimal, a line for each
        return hex(frame(text.split("\n", -1)));
      case "due":
        return String.valueOf(method(DistributedDelayQueue.class, "getEpoch", String.class).invoke(null, text));
      case "due as text":
        return (String) method(DistributedDelayQueue.class, "epochToString", long.class).invoke(null, Long.parseLong(text));
      case "priority as text":
        return (String) method(DistributedPriorityQueue.class, "priorityToString", int.class).invoke(null, Integer.parseInt(text));
      case "line": // the tag of the lock, and the children, a line for each
        return line(text.split("\n"));
      case "line of readers and writers": // the children
        return sorted("__WRIT__", readersAndWriters(), text.split("\n"));
      case "text":
        return text;
      case "revocation":
        java.lang.reflect.Field field = LockInternals.class.getDeclaredField("REVOKE_MESSAGE");
        field.setAccessible(true);
        return hex((byte[]) field.get(null));
      case "gzip":
        return hex(new GzipCompressionProvider().compress("/n", bytes));
      case "group": // servers and path: a line for each member, the id and the payload in hexadecimal, with a blank between them
        return group(text.split("\n"));
      default:
        throw new IllegalArgumentException("unknown layout " + layout);
    }
  }

  private static String describe(ServiceInstance<?> instance) throws Exception {
    ObjectNode node = plain.createObjectNode();
    node.put("name", instance.getName());
    node.put("id", instance.getId());
    node.put("address", instance.getAddress());
    node.put("port", instance.getPort());
    node.put("sslPort", instance.getSslPort());
    node.put("time", instance.getRegistrationTimeUTC());
    node.put("type", instance.getServiceType() == null ? null : instance.getServiceType().name());
    node.put("enabled", instance.isEnabled());
    try {
      node.set("spec", instance.getUriSpec() == null ? null : parts(instance.getUriSpec()));
      node.put("uri", uri(instance));
    } catch (NullPointerException e) { // parts that are null: the spec is read, and cannot be used
      node.put("broken", true);
    }
    Object payload = instance.getPayload();
    node.put("class", payload == null ? null : payload.getClass().getName());
    node.set("payload", plain.readTree(plain.writeValueAsBytes(payload)));
    return plain.writeValueAsString(node);
  }

  private static String uri(ServiceInstance<?> instance) {
    return instance.getUriSpec() == null ? null : instance.buildUriSpec();
  }

  private static ArrayNode parts(UriSpec spec) {
    ArrayNode all = plain.createArrayNode();
    for (UriSpec.Part part : spec.getParts()) {
      all.addObject().put("value", part.getValue()).put("variable", part.isVariable());
    }
    return all;
  }

  private static final QueueSerializer<byte[]> raw = new QueueSerializer<byte[]>() {
    @Override
    public byte[] serialize(byte[] item) {
      return item;
    }

    @Override
    public byte[] deserialize(byte[] bytes) {
      return bytes;
    }
  };

  private static Method itemMethod(String name, Class<?>... types) throws Exception {
    return method(Class.forName("org.apache.curator.framework.recipes.queue.ItemSerializer"), name, types);
  }

  @SuppressWarnings("unchecked")
  private static String unframe(byte[] bytes) throws Exception {
    MultiItem<byte[]> items = (MultiItem<byte[]>) itemMethod("deserialize", byte[].class, QueueSerializer.class).invoke(null, bytes, raw);
    List<String> all = new ArrayList<>();
    for (byte[] item = items.nextItem(); item != null; item = items.nextItem()) {
      all.add("=" + hex(item));
    }
    return String.join("\n", all);
  }

  private static byte[] frame(String[] items) throws Exception {
    Iterator<String> all = Arrays.asList(items).iterator();
    MultiItem<byte[]> multi = () -> all.hasNext() ? Main.unhex(all.next()) : null;
    return (byte[]) itemMethod("serialize", MultiItem.class, QueueSerializer.class).invoke(null, multi, raw);
  }

  private static String line(String[] words) throws Exception {
    return sorted(words[0], new StandardLockInternalsDriver(), Arrays.copyOfRange(words, 1, words.length));
  }

  private static String sorted(String tag, LockInternalsSorter sorter, String[] children) {
    return String.join("\n", LockInternals.getSortedChildren(tag, sorter, Arrays.asList(children)));
  }

  /** The sorter that both locks of a read/write lock have. */
  private static LockInternalsSorter readersAndWriters() throws Exception {
    for (Class<?> inner : InterProcessReadWriteLock.class.getDeclaredClasses()) {
      if (inner.getSimpleName().equals("SortingLockInternalsDriver")) {
        java.lang.reflect.Constructor<?> make = inner.getDeclaredConstructors()[0];
        make.setAccessible(true);
        return (LockInternalsSorter) make.newInstance(new Object[make.getParameterCount()]);
      }
    }
    throw new IllegalStateException("this Curator has no SortingLockInternalsDriver");
  }

  private static String group(String[] words) throws Exception {
    CuratorFramework client = clients.get(words[0]);
    if (client == null) {
      client = CuratorFrameworkFactory.newClient(words[0], 30_000, 30_000, new ExponentialBackoffRetry(50, 29, 1000));
      client.start();
      client.blockUntilConnected(30, TimeUnit.SECONDS);
      clients.put(words[0], client);
    }
    int known = Integer.parseInt(words[2]);
    Map<String, byte[]> members = new HashMap<>();
    try (GroupMember member = new GroupMember(client, words[1], "the reader")) {
      member.start();
      while (members.size() < known + 1) {
        Thread.sleep(10);
        members = member.getCurrentMembers();
      }
    }
    Map<String, String> lines = new TreeMap<>();
    members.forEach((id, data) -> lines.put(id, hex(data)));
    lines.remove("the reader");
    StringBuilder all = new StringBuilder();
    lines.forEach((id, data) -> all.append(hex(id.getBytes(StandardCharsets.UTF_8))).append(' ').append(data).append('\n'));
    return all.toString();
  }

  /** A client that no question needs to be connected. */
  private static CuratorFramework client() {
    return clients.computeIfAbsent("", none -> CuratorFrameworkFactory.newClient("127.0.0.1:1", new ExponentialBackoffRetry(1, 1)));
  }

  private static Method method(Class<?> owner, String name, Class<?>... types) throws Exception {
    Method found = owner.getDeclaredMethod(name, types);
    found.setAccessible(true);
    return found;
  }

  private static final char[] digits = "0123456789abcdef".toCharArray();

  private static String hex(byte[] bytes) {
    StringBuilder text = new StringBuilder(2 * bytes.length);
    for (byte b : bytes) {
      text.append(digits[b >> 4 & 15]).append(digits[b & 15]);
    }
    return text.toString();
  }
}
