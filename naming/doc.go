// Package naming finds services. It registers instances in ZooKeeper, follows
// the instances of other processes, and picks an instance for each call. It
// also gives out unique names, and small unique numbers.
//
//	registry := naming.NewRegistry(sm)
//	g, err := registry.Register(ctx, naming.Instance{Service: "orders", ID: "orders-7", Address: "10.0.0.7", Port: 8080})
//	defer g.Unregister(ctx)
//
//	orders, err := registry.Open(ctx, "orders") // readable while ZooKeeper is away
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
//   - A dynamic instance stays registered, from session to session, until
//     Unregister. As soon as there is a session, its znode has the data of the
//     newest Update. A process that dies is out when its session has expired.
//   - As long as the session lives, only updates are written. A server that
//     restarts, or a connection that breaks, is not visible to watchers.
//   - The znode of a lost session is replaced, never adopted.
//   - Two processes never have one id. The second gets an error, and the first
//     is undisturbed, unless the second uses Replace. A static instance belongs
//     to the process that registers the same address and ports.
//   - After Unregister nothing of the instance comes back, whatever was under
//     way, and however often the server does not answer.
//
// # Watching
//
//   - Load is one atomic load, and returns the last known instances for as long
//     as ZooKeeper is away. Stale says so.
//   - A znode that does not hold an instance is reported once for each of its
//     versions. The other instances are served.
//   - Only instances are written to, whatever policy a registration has. A
//     znode without an address or a port, such as a config key or the holder of
//     a lock, is left as it is, even with Replace. Names leave a znode that
//     holds data. Workers leave a memory that does not hold a number.
//   - If a service loses all its instances at once, the last instances are
//     shown for a while (ProtectEmpty), and the View is marked as Protected.
//     This ends when other instances take over the service. Instances that
//     Filter leaves out are not shown.
//   - With a CacheFile a program can start while ZooKeeper is away
//     (session.Start).
//
// # Codecs
//
// A Codec says how an Instance is written in ZooKeeper. Curator (the default),
// Spring and Dubbo write what the Java libraries of these names write, and read
// everything that these write. The promises:
//
//   - Reading and writing again loses nothing: unknown fields, and Java
//     classes, are kept.
//   - A znode that cannot be read is a *MalformedError with the names of
//     service and znode. Reading never panics, and the error quotes nothing of
//     the data.
//
// # Balancers
//
//   - A pick allocates nothing, does no I/O, and does not wait while a change
//     of the instances is processed.
//   - An instance that the View shows as disabled or draining is never picked.
//     An instance that is marked down is passed over until its time is up,
//     unless all are marked down.
//   - With Hash, only the keys of an instance that leaves move, and keys move
//     only to an instance that comes. A change of the metadata moves no key. A
//     change of a weight moves keys only to or from that instance. All
//     processes agree.
//   - With BoundedLoad, one hot key cannot overload its instance.
//   - With Sticky a key moves only if its instance cannot be picked. A bounded
//     number of keys is remembered.
//   - A round robin begins at a random place.
//
// # Addresses
//
// The address, the ports, the URISpec and the metadata of an instance are the
// text of whatever program may write its znode.
//
//   - An address that no client on another machine can call is not registered,
//     and an instance with such an address is not picked (CheckAddress). It is
//     shown in views.
//   - AddressRules reject addresses of the client's own machine, its link, and
//     metadata services, before and after names are resolved.
//   - Packages httpbalance and grpcresolver verify certificates for the name of
//     the service. A client that dials by itself sets tls.Config.ServerName.
//
// # Cache files
//
// SaveCache and LoadCache keep the last known instances of a service in a file,
// for a start while ZooKeeper is away.
//
// # Names and numbers
//
//   - Names gives out names in order that were never given out before, even if
//     its znode is deleted and created again.
//   - Workers gives each process a number below a maximum. No other process has
//     the number while the Context of the WorkerID lasts.
//
// # What is not promised
//
//   - A watch shows a past state. An instance that crashed is listed until its
//     session expires. An instance that drains is called until the clients have
//     read the mark, so it has to serve for a second or two after Drain. A
//     registration that is cut off does not know what others see; its State
//     says in time whether it still counts.
//   - A watch shows states, not history.
//   - The znode of a static instance is not watched by the process that
//     registered it.
//   - Balancers of different processes do not share pending calls or down
//     marks.
//
// # What ctx governs
//
// The ctx of Register, Update and Open bounds only the waiting, and not how
// long the registration or the watch lasts. Unregister begins the removal even
// if its ctx has ended, and the removal goes on in the background. The ctx of
// Changes ends the sequence. The ctx of Names and Workers bounds the call.
//
// # States of a registration
//
//	        Register             session ended, znode deleted
//	(out) ─────────▶ in ───────────────────────────────────────▶ out, Err is session.ErrLost
//	                 ▲ │ │                                          │
//	                 │ │ └─ another process took the place ▶ out, Err is session.ErrReplaced
//	                 │ │                                            │
//	                 └─┼──── by itself, as soon as it can ◀─────────┘
//	                   └─ Unregister, Manager closed ▶ ended: Done is closed
//
// # Layout
//
//	/services/<service>/<id>                      Curator and Spring: ServiceInstance in JSON
//	/dubbo/<interface>/providers/<encoded URL>    Dubbo: everything is in the name
//	/services/<application>/<address:port>        DubboApplication: Curator's JSON; the rest is in naming/dubbo
//	<path>                                        Names: empty; written to, for the write's zxid
//	<path>/<n>, <path>/names/<name>               Workers: the holder of n, ephemeral; the last number of a name
//
// Dynamic instances are ephemeral znodes, and with DynamicSequential the server
// appends ten digits to the id. Static and Permanent ones are persistent. Every
// znode in a service's directory is read as an instance, whichever client
// created it. Directories are containers, if the servers support them, and go
// when empty.
package naming
