import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.x.discovery.ServiceCache;
import org.apache.curator.x.discovery.ServiceDiscovery;
import org.apache.curator.x.discovery.ServiceDiscoveryBuilder;
import org.apache.curator.x.discovery.ServiceInstance;
import org.apache.curator.x.discovery.ServiceType;
import org.apache.curator.x.discovery.UriSpec;
import org.apache.curator.x.discovery.details.JsonInstanceSerializer;

/** Service registration and discovery. */
final class Services implements Main.Family {
  private final CuratorFramework client;
  private final Map<String, ServiceDiscovery<Object>> discoveries = new HashMap<>();
  private final Map<String, ServiceCache<Object>> caches = new HashMap<>();
  private final Map<String, ServiceInstance<Object>> registered = new HashMap<>();

  Services(CuratorFramework client) {
    this.client = client;
  }

  /** A payload with fields of its own. */
  public static final class Details {
    public String zone;
    public int weight;

    public Details() {}

    Details(String zone, int weight) {
      this.zone = zone;
      this.weight = weight;
    }

    @Override
    public String toString() {
      return "Details(" + zone + "," + weight + ")";
    }
  }

  @Override
  public String call(String verb, String[] args) throws Exception {
    String base = args[0];
    switch (verb) {
      case "register": // base, name, id, address, port, payload kind, type, enabled
        register(base, args);
        return "";
      case "unregister": // base, name, id
        discovery(base).unregisterService(registered.remove(args[1] + "/" + args[2]));
        return "";
      case "list": // base, name: a line per instance, sorted by id, with " | " between them
        return text(discovery(base).queryForInstances(args[1]));
      case "names":
        return discovery(base).queryForNames().stream().sorted().collect(Collectors.joining(" "));
      case "watch": // base, name: keeps a cache
        ServiceCache<Object> cache = discovery(base).serviceCacheBuilder().name(args[1]).build();
        caches.put(args[1], cache);
        cache.start();
        return "";
      case "watched": // base, name
        return text(caches.get(args[1]).getInstances());
      case "unwatch":
        caches.remove(args[1]).close();
        return "";
      default:
        throw Main.unknown(verb);
    }
  }

  private ServiceDiscovery<Object> discovery(String base) throws Exception {
    ServiceDiscovery<Object> discovery = discoveries.get(base);
    if (discovery == null) {
      discovery = ServiceDiscoveryBuilder.builder(Object.class)
          .client(client)
          .basePath(base)
          .serializer(new JsonInstanceSerializer<>(Object.class, false))
          .build();
      discovery.start();
      discoveries.put(base, discovery);
    }
    return discovery;
  }

  private void register(String base, String[] args) throws Exception {
    ServiceInstance<Object> instance = ServiceInstance.<Object>builder()
        .name(args[1])
        .id(args[2])
        .address(args[3])
        .port(Integer.parseInt(args[4]))
        .payload(payload(args[5]))
        .serviceType(ServiceType.valueOf(args[6]))
        .enabled(Boolean.parseBoolean(args[7]))
        .uriSpec(new UriSpec("{scheme}://{address}:{port}"))
        .build();
    discovery(base).registerService(instance);
    registered.put(args[1] + "/" + args[2], instance);
  }

  private static Object payload(String kind) {
    switch (kind) {
      case "none":
        return null;
      case "text":
        return "hello";
      case "number":
        return 7L;
      case "list":
        return new java.util.ArrayList<>(Arrays.asList("a", "b"));
      case "map":
        Map<String, Object> map = new LinkedHashMap<>();
        map.put("zone", "b");
        map.put("weight", 3);
        return map;
      case "bean":
        return new Details("c", 5);
      default:
        throw new IllegalArgumentException("unknown kind of payload " + kind);
    }
  }

  private static String text(Iterable<ServiceInstance<Object>> instances) {
    List<ServiceInstance<Object>> sorted = new java.util.ArrayList<>();
    instances.forEach(sorted::add);
    sorted.sort(Comparator.comparing(ServiceInstance::getId));
    return sorted.stream()
        .map(i -> i.getId() + " " + i.getAddress() + ":" + i.getPort() + " " + i.getServiceType() + " enabled=" + i.isEnabled()
            + " payload=" + i.getPayload())
        .collect(Collectors.joining(" | "));
  }
}
