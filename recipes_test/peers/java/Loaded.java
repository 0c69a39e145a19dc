import java.io.IOException;
import java.io.InputStream;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.Enumeration;
import java.util.Properties;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;
import org.apache.curator.RetryPolicy;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.recipes.locks.InterProcessMutex;
import org.apache.curator.x.discovery.ServiceDiscovery;
import org.apache.jute.Record;
import org.apache.zookeeper.ZooKeeper;

/** The versions of the jars from which the virtual machine has loaded classes, which the class path alone does not tell. */
final class Loaded {
  private Loaded() {}

  /** "loaded", and for each jar name, version and path with spaces between them, all with tabs between them. */
  static String line() throws IOException, URISyntaxException {
    StringBuilder line = new StringBuilder("loaded");
    for (Class<?> type : new Class<?>[] {
      Record.class, ZooKeeper.class, RetryPolicy.class, CuratorFramework.class, InterProcessMutex.class, ServiceDiscovery.class,
    }) {
      Path jar = Paths.get(type.getProtectionDomain().getCodeSource().getLocation().toURI());
      line.append("\t").append(describe(jar));
    }
    return line.toString();
  }

  /** Reads the file that Maven leaves in a jar. */
  private static String describe(Path path) throws IOException {
    try (JarFile jar = new JarFile(path.toFile())) {
      for (Enumeration<JarEntry> entries = jar.entries(); entries.hasMoreElements(); ) {
        JarEntry entry = entries.nextElement();
        if (entry.getName().endsWith("/pom.properties")) {
          Properties properties = new Properties();
          try (InputStream in = jar.getInputStream(entry)) {
            properties.load(in);
          }
          return properties.getProperty("artifactId") + " " + properties.getProperty("version") + " " + path;
        }
      }
    }
    return path.getFileName() + " unknown " + path;
  }
}
