package org.springframework.cloud.zookeeper.discovery;

import java.util.HashMap;
import java.util.Map;

/** Stands for the class of that name in Spring Cloud ZooKeeper: it has the same three properties. */
public class ZookeeperInstance {
  private String id;
  private String name;
  private Map<String, String> metadata = new HashMap<>();

  private ZookeeperInstance() {}

  public String getId() {
    return id;
  }

  public void setId(String id) {
    this.id = id;
  }

  public String getName() {
    return name;
  }

  public void setName(String name) {
    this.name = name;
  }

  public Map<String, String> getMetadata() {
    return metadata;
  }

  public void setMetadata(Map<String, String> metadata) {
    this.metadata = metadata;
  }
}
