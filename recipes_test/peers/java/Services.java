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
      case "oldregister": // the same in the serializer's compatible mode, which is Curator's default
        ServiceInstance<Object> old = build(args[1], args[2], args[3], Integer.parseInt(args[4]), args[5],
            ServiceType.valueOf(args[6]), Boolean.parseBoolean(args[7]));
        discovery(base, true).registerService(old);
        return "";
      case "oldlist":
        return text(discovery(base, true).queryForInstances(args[1]));
      case "unregister": // base, name, id
        discovery(base).unregisterService(registered.remove(args[1] + "/" + args[2]));
        return "";
      case "change": // base, name, id, payload kind: updates what we have registered
        ServiceInstance<Object> before = registered.get(args[1] + "/" + args[2]);
        ServiceInstance<Object> changed = build(args[1], args[2], before.getAddress(), before.getPort(), args[3], before.getServiceType(), true);
        discovery(base).updateService(changed);
        registered.put(args[1] + "/" + args[2], changed);
        return "";
      case "remove": // base, name, id: of whoever has registered it
        discovery(base).unregisterService(discovery(base).queryForInstance(args[1], args[2]));
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
    return discovery(base, false);
  }

  private ServiceDiscovery<Object> discovery(String base, boolean compatible) throws Exception {
    ServiceDiscovery<Object> discovery = discoveries.get(base + compatible);
    if (discovery == null) {
      discovery = ServiceDiscoveryBuilder.builder(Object.class)
          .client(client)
          .basePath(base)
          .serializer(new JsonInstanceSerializer<>(Object.class, compatible))
          .build();
      discovery.start();
      discoveries.put(base + compatible, discovery);
    }
    return discovery;
  }

  private void register(String base, String[] args) throws Exception {
    ServiceInstance<Object> instance = build(args[1], args[2], args[3], Integer.parseInt(args[4]), args[5],
        ServiceType.valueOf(args[6]), Boolean.parseBoolean(args[7]));
    discovery(base).registerService(instance);
    registered.put(args[1] + "/" + args[2], instance);
  }

  private static ServiceInstance<Object> build(
      String name, String id, String address, int port, String payload, ServiceType type, boolean enabled) throws Exception {
    return ServiceInstance.<Object>builder()
        .name(name)
        .id(id)
        .address(address)
        .port(port)
        .payload(payload(payload))
        .serviceType(type)
        .enabled(enabled)
        .uriSpec(new UriSpec("{scheme}://{address}:{port}"))
        .build();
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
      case "strings":
        Map<String, String> strings = new HashMap<>();
        strings.put("zone", "a");
        strings.put("weight", "3");
        return strings;
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
