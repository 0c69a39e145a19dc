import java.util.HashMap;
import java.util.Map;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.recipes.atomic.AtomicValue;
import org.apache.curator.framework.recipes.atomic.DistributedAtomicInteger;
import org.apache.curator.framework.recipes.atomic.DistributedAtomicLong;
import org.apache.curator.framework.recipes.shared.SharedCount;
import org.apache.curator.framework.recipes.shared.SharedValue;
import org.apache.curator.framework.recipes.shared.VersionedValue;
import org.apache.curator.retry.ExponentialBackoffRetry;

/** Counters, shared counts and shared values. */
final class Counters implements Main.Family {
  private final CuratorFramework client;
  private final Map<String, SharedCount> shared = new HashMap<>();
  private final Map<String, SharedValue> values = new HashMap<>();

  Counters(CuratorFramework client) {
    this.client = client;
  }

  @Override
  public String call(String verb, String[] args) throws Exception {
    String path = args[0];
    switch (verb) {
      case "long": // path, what to add
        return done(new DistributedAtomicLong(client, path, new ExponentialBackoffRetry(5, 29)).add(Long.parseLong(args[1])));
      case "int":
        return done(new DistributedAtomicInteger(client, path, new ExponentialBackoffRetry(5, 29)).add(Integer.parseInt(args[1])));
      case "share": // path, seed
        SharedCount count = new SharedCount(client, path, Integer.parseInt(args[1]));
        shared.put(path, count);
        count.start();
        return "";
      case "shared":
        return String.valueOf(shared.get(path).getCount());
      case "set":
        shared.get(path).setCount(Integer.parseInt(args[1]));
        return "";
      case "try": // adds one; succeeds if nobody has written since we have looked
        SharedCount mine = shared.get(path);
        VersionedValue<Integer> seen = mine.getVersionedValue();
        return String.valueOf(mine.trySetCount(seen, seen.getValue() + 1));
      case "unshare":
        shared.remove(path).close();
        return "";
      case "value": // path, seed in hexadecimal
        SharedValue value = new SharedValue(client, path, Main.unhex(args[1]));
        values.put(path, value);
        value.start();
        return "";
      case "get":
        return Main.hex(values.get(path).getValue());
      case "put":
        values.get(path).setValue(Main.unhex(args[1]));
        return "";
      case "tryput": // succeeds if nobody has written since we have looked
        SharedValue last = values.get(path);
        return String.valueOf(last.trySetValue(last.getVersionedValue(), Main.unhex(args[1])));
      case "unvalue":
        values.remove(path).close();
        return "";
      default:
        throw Main.unknown(verb);
    }
  }

  private static String done(AtomicValue<?> value) {
    if (!value.succeeded()) {
      throw new IllegalStateException("the counter was not changed");
    }
    return String.valueOf(value.postValue());
  }
}
