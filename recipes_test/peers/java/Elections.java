import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.recipes.leader.LeaderLatch;
import org.apache.curator.framework.recipes.leader.LeaderSelector;
import org.apache.curator.framework.recipes.leader.LeaderSelectorListenerAdapter;
import org.apache.curator.framework.recipes.nodes.GroupMember;

/** LeaderLatch, LeaderSelector and GroupMember. */
final class Elections implements Main.Family {
  private final CuratorFramework client;
  private final Main.Teller teller;
  private final Map<String, LeaderLatch> latches = new HashMap<>();
  private final Map<String, LeaderSelector> selectors = new HashMap<>();
  private final Map<String, CountDownLatch> terms = new HashMap<>();
  private final Map<String, GroupMember> members = new HashMap<>();

  Elections(CuratorFramework client, Main.Teller teller) {
    this.client = client;
    this.teller = teller;
  }

  @Override
  public String call(String verb, String[] args) throws Exception {
    String path = args[0];
    switch (verb) {
      case "latch": // path, id
        LeaderLatch latch = new LeaderLatch(client, path, args[1]);
        latches.put(path, latch);
        latch.start();
        return "";
      case "await": // path, milliseconds
        return String.valueOf(latches.get(path).await(Long.parseLong(args[1]), TimeUnit.MILLISECONDS));
      case "leads":
        return String.valueOf(latches.get(path).hasLeadership());
      case "leader":
        return latches.get(path).getLeader().getId();
      case "participants":
        return String.valueOf(latches.get(path).getParticipants().size());
      case "unlatch":
        latches.remove(path).close();
        return "";
      case "select": // path, id; tells "leads PATH"
        return select(path, args[1]);
      case "resign": // ends the term of the selector
        terms.get(path).countDown();
        return "";
      case "selected":
        return selectors.get(path).getLeader().getId();
      case "candidates":
        return String.valueOf(selectors.get(path).getParticipants().size());
      case "unselect":
        selectors.remove(path).close();
        return "";
      case "join": // path, id, payload
        GroupMember member = new GroupMember(client, path, args[1], Main.unhex(args[2]));
        members.put(path, member);
        member.start();
        return "";
      case "payload":
        members.get(path).setThisData(Main.unhex(args[1]));
        return "";
      case "members": // "id=payload" for each, sorted
        StringBuilder text = new StringBuilder();
        members.get(path).getCurrentMembers().entrySet().stream().sorted(Map.Entry.comparingByKey())
            .forEach(e -> text.append(text.length() == 0 ? "" : " ").append(e.getKey()).append('=').append(Main.hex(e.getValue())));
        return text.toString();
      case "leave":
        members.remove(path).close();
        return "";
      default:
        throw Main.unknown(verb);
    }
  }

  private String select(String path, String id) {
    CountDownLatch term = new CountDownLatch(1);
    terms.put(path, term);
    LeaderSelector selector = new LeaderSelector(client, path, new LeaderSelectorListenerAdapter() {
      @Override
      public void takeLeadership(CuratorFramework ignored) throws Exception {
        teller.tell("leads " + path);
        term.await();
      }
    });
    selector.setId(id);
    selectors.put(path, selector);
    selector.start();
    return "";
  }
}
