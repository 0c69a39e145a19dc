// Package naming tells where services are: it registers instances in ZooKeeper,
// follows those of others, and picks which of them to call. It also gives out
// unique names, and small unique numbers.
//
//	registry := naming.New(sm)
//	g, err := registry.Register(ctx, naming.Instance{Service: "orders", ID: "orders-7", Address: "10.0.0.7", Port: 8080})
//	defer g.Unregister(ctx)
//
//	orders, err := registry.Watch(ctx, "orders") // readable while ZooKeeper is away
//	defer orders.Close()
//	b, err := orders.Balancer(naming.RoundRobin(), naming.DownAfter(3, 10*time.Second, 30*time.Second))
//	p, err := b.Pick(clientIP)
//	if err != nil {
//		return err // naming.ErrNoInstance
//	}
//	err = call(p.Item.HostPort())
//	p.Done(err)
//
// # Registration
//
//   - A dynamic instance stands, from session to session, until Unregister: as
//     soon as there is a session, with what was last said of it. A process that
//     dies is out when its session has expired.
//   - As long as the session lives nothing is written but updates: a server that
//     restarts, or a connection that breaks, is seen by no watcher.
//   - The node that a lost session left behind is replaced, never adopted.
//   - Two processes never have one id: the second is told so, and the first is
//     undisturbed, unless the second asks for Replace. Of static instances only
//     the address tells whose they are.
//   - After Unregister nothing of the instance comes back, whatever was under
//     way, and however often the server does not answer.
//
// # Watching
//
//   - Load is one atomic load, and returns what was last known for as long as
//     ZooKeeper is away. Stale says so.
//   - A node that holds no instance is reported once for each of its versions.
//     The others are served.
//   - A write touches instances alone, whichever policy a registration has: a node
//     without an address or a port, such as a config key or the holder of a lock, is left
//     as it is, with Replace too.
//     Names leave a node with data, and Workers a memory that holds no number.
//   - A service that loses all its instances at one stroke goes on being shown
//     with the last of them for a while (ProtectEmpty), and is marked as Kept:
//     until another instance carries the service, and without those that Where
//     leaves out.
//   - With a CacheFile a program can start while ZooKeeper is away
//     (session.Start).
//
// # Codecs
//
// A Codec says how an Instance lies in ZooKeeper. Curator (the default),
// Spring and Dubbo write what the Java libraries of these names write, and
// read all of that. What is promised:
//
//   - What is read and written again loses nothing: fields that are not known
//     here, and Java classes, are kept.
//   - A znode that cannot be read is a *MalformedError with the names of
//     service and node. It never panics, and quotes nothing of the data.
//
// # Balancers
//
//   - A pick allocates nothing, does no I/O, and does not wait for a change of
//     the instances to be taken in.
//   - An instance that is disabled or draining is never picked. One that is
//     marked down is passed over until its time is up, unless all are.
//   - With Hash, only the keys of an instance that leaves move, and keys move
//     only to one that comes. A change of the metadata moves no key, and a change
//     of a weight moves keys to or from that instance alone. All processes agree.
//   - With BoundedLoad, one hot key cannot overload its instance.
//   - With Sticky a key moves only when its instance cannot be picked. It
//     remembers a bounded number of keys.
//   - A round robin begins at a random place.
//
// # Cache files
//
// SaveCache and LoadCache keep the last known instances of a service in a file,
// for a start while ZooKeeper is away.
//
// # Names and numbers
//
//   - Names gives out names that nobody was ever given, in order, also when its
//     node is deleted and made anew.
//   - Workers gives each process a number below a maximum that nobody else has
//     while the Context of the WorkerID lasts.
//
// # What is not promised
//
//   - A watch tells what was so a moment ago. An instance that crashed is listed
//     until its session expires, and a registration that is cut off does not
//     know what others see; its State says in time whether it still counts.
//   - A watch shows states, not history.
//   - A static instance's node is not watched by whoever registered it.
//   - Balancers of different processes know nothing of each other. Pending calls
//     and down marks are a process's own.
//
// # What ctx governs
//
// The ctx of Register, Update and Watch bounds the waiting alone, never how long
// the registration or the watch lasts. Unregister begins the removal even where
// its ctx has ended, and that goes on in the background. The ctx of Changes
// ends the sequence. The ctx of Names and Workers bounds the call.
//
// # States of a registration
//
//	        Register             session ended, node deleted
//	(out) ─────────▶ in ───────────────────────────────────────▶ out, Why is session.ErrLost
//	                 ▲ │ │                                          │
//	                 │ │ └─ another process took the place ▶ out, Why is ErrReplaced
//	                 │ │                                            │
//	                 └─┼──── by itself, as soon as it can ◀─────────┘
//	                   └─ Unregister, Manager closed ▶ ended: Done is closed
//
// # Layout
//
//	/services/<service>/<id>                      Curator and Spring: ServiceInstance in JSON
//	/dubbo/<interface>/providers/<encoded URL>    Dubbo: the name says everything
//	<path>                                        Names: empty; written to, for the write's number
//	<path>/<n>, <path>/names/<name>               Workers: who has n, ephemeral; the last number of a name
//
// Dynamic instances are ephemeral nodes, and with DynamicSequential the server
// appends ten digits to the id; Static and Permanent ones are persistent. Every
// node in a service's directory is read as an instance, whoever made it.
// Directories are container nodes where servers know them, and go when empty.
package naming
