import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.recipes.barriers.DistributedBarrier;
import org.apache.curator.framework.recipes.barriers.DistributedDoubleBarrier;

/** Barriers. */
final class Meetings implements Main.Family {
  private final CuratorFramework client;
  private final Map<String, DistributedDoubleBarrier> doubles = new HashMap<>();

  Meetings(CuratorFramework client) {
    this.client = client;
  }

  @Override
  public String call(String verb, String[] args) throws Exception {
    String path = args[0];
    switch (verb) {
      case "set":
        new DistributedBarrier(client, path).setBarrier();
        return "";
      case "lift":
        new DistributedBarrier(client, path).removeBarrier();
        return "";
      case "wait": // path, milliseconds
        return String.valueOf(new DistributedBarrier(client, path).waitOnBarrier(Long.parseLong(args[1]), TimeUnit.MILLISECONDS));
      case "enter": // path, count, milliseconds
        DistributedDoubleBarrier entered = new DistributedDoubleBarrier(client, path, Integer.parseInt(args[1]));
        doubles.put(path, entered);
        return String.valueOf(entered.enter(Long.parseLong(args[2]), TimeUnit.MILLISECONDS));
      case "leave": // path, milliseconds
        return String.valueOf(doubles.remove(path).leave(Long.parseLong(args[1]), TimeUnit.MILLISECONDS));
      default:
        throw Main.unknown(verb);
    }
  }
}
