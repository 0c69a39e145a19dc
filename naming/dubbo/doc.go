// Package dubbo registers applications for the consumers of Dubbo 3, and finds
// the applications that serve an interface.
//
// Dubbo 3 registers processes and no longer interfaces. A consumer finds the
// provider of an interface in three steps, and each has znodes of its own:
//
//	/dubbo/mapping/<interface>              the applications that serve it, with commas between
//	/services/<application>/<address:port>  an instance, which names a revision of its metadata
//	/dubbo/metadata/<application>/<revision>  what the instances of that revision serve
//
// Register writes all three. Instances is a naming.Registry over the second: it
// has the balancers, the cache files and the rest of package naming.
//
//	r := dubbo.NewRegistry(sm)
//	g, err := r.Register(ctx, naming.Instance{Service: "shop", Address: "10.0.0.7", Port: 20880},
//		[]dubbo.Service{{Interface: "org.demo.Orders", Protocol: "tri", Params: map[string]string{"methods": "get,put"}}})
//
// # Lifetimes
//
// The instance is an ephemeral znode: it goes with its session or with
// Unregister. Metadata and mapping are persistent, and remain: instances of the
// same revision share the metadata, and Dubbo never takes an application out of
// a mapping. Dubbo writes them in the same way. A new revision, such as after a
// change of a parameter, leaves the znode of the old one. An application whose
// instances have gone is still in the mapping, and has no instances.
//
// # Metadata
//
// The metadata of an instance is in ZooKeeper if its property
// "dubbo.metadata.storage-type" is "remote", as Register writes it. With
// "local", which is the default of Dubbo's providers, a consumer asks the
// provider itself by Dubbo's own protocol. This package does not: Metadata then
// returns session.ErrNoNode. The ports of the protocols are in the instance in
// both cases, see Ports.
package dubbo
