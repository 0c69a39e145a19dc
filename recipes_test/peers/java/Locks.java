import java.util.ArrayDeque;
import java.util.Collection;
import java.util.Deque;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.recipes.locks.InterProcessMutex;
import org.apache.curator.framework.recipes.locks.InterProcessReadWriteLock;
import org.apache.curator.framework.recipes.locks.InterProcessSemaphoreV2;
import org.apache.curator.framework.recipes.locks.Lease;
import org.apache.curator.framework.recipes.locks.Revoker;
import org.apache.curator.framework.recipes.shared.SharedCount;

/** Mutexes, read/write locks and semaphores. */
final class Locks implements Main.Family {
  private final CuratorFramework client;
  private final Main.Teller teller;
  private final Map<String, InterProcessMutex> mutexes = new HashMap<>();
  private final Map<String, InterProcessReadWriteLock> pairs = new HashMap<>();
  private final Map<String, InterProcessSemaphoreV2> semaphores = new HashMap<>();
  private final Map<String, Deque<Lease>> leases = new HashMap<>();

  Locks(CuratorFramework client, Main.Teller teller) {
    this.client = client;
    this.teller = teller;
  }

  @Override
  public String call(String verb, String[] args) throws Exception {
    String path = args[0];
    switch (verb) {
      case "acquire": // path, milliseconds
        return String.valueOf(mutex(path).acquire(Long.parseLong(args[1]), TimeUnit.MILLISECONDS));
      case "release":
        mutex(path).release();
        return "";
      case "revocable": // tells "revoke PATH" when asked to give the lock up
        mutex(path).makeRevocable(lock -> teller.tell("revoke " + path));
        return "";
      case "revoke": // the path of a contender's node
        Revoker.attemptRevoke(client, path);
        return "";
      case "participants":
        return String.valueOf(mutex(path).getParticipantNodes().size());
      case "read":
        return String.valueOf(pair(path).readLock().acquire(Long.parseLong(args[1]), TimeUnit.MILLISECONDS));
      case "unread":
        pair(path).readLock().release();
        return "";
      case "write":
        return String.valueOf(pair(path).writeLock().acquire(Long.parseLong(args[1]), TimeUnit.MILLISECONDS));
      case "unwrite":
        pair(path).writeLock().release();
        return "";
      case "permits": // path, limit or the path of a shared count, how many, milliseconds
        return String.valueOf(permits(path, args[1], Integer.parseInt(args[2]), Long.parseLong(args[3])));
      case "unpermit": // gives back the permit that was acquired last
        semaphores.get(path).returnLease(leases.get(path).pop());
        return "";
      default:
        throw Main.unknown(verb);
    }
  }

  private InterProcessMutex mutex(String path) {
    return mutexes.computeIfAbsent(path, p -> new InterProcessMutex(client, p));
  }

  private InterProcessReadWriteLock pair(String path) {
    return pairs.computeIfAbsent(path, p -> new InterProcessReadWriteLock(client, p));
  }

  private boolean permits(String path, String limit, int count, long milliseconds) throws Exception {
    InterProcessSemaphoreV2 semaphore = semaphores.get(path);
    if (semaphore == null) {
      if (limit.startsWith("/")) {
        SharedCount shared = new SharedCount(client, limit, 1);
        shared.start();
        semaphore = new InterProcessSemaphoreV2(client, path, shared);
      } else {
        semaphore = new InterProcessSemaphoreV2(client, path, Integer.parseInt(limit));
      }
      semaphores.put(path, semaphore);
    }
    Collection<Lease> got = semaphore.acquire(count, milliseconds, TimeUnit.MILLISECONDS);
    if (got == null) {
      return false;
    }
    leases.computeIfAbsent(path, p -> new ArrayDeque<>()).addAll(got);
    return true;
  }
}
