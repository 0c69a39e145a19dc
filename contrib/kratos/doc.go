// Package docentkratos is a registry and a source of configuration for kratos
// (github.com/go-kratos/kratos/v2). Its layout is the layout of kratos's own
// ZooKeeper registry, /microservices/<name>/<id>, so programs with either of
// the two find each other.
//
//	r := docentkratos.New(sm)
//	defer r.Close()
//	app := kratos.New(kratos.Name("orders"), kratos.Server(kgrpc.NewServer()), kratos.Registrar(r))
//	err := app.Run()
//
// and in a client, with kgrpc for kratos's package transport/grpc:
//
//	r := docentkratos.New(sm)
//	defer r.Close()
//	conn, err := kgrpc.DialInsecure(ctx, kgrpc.WithEndpoint("discovery:///orders"), kgrpc.WithDiscovery(r))
//
// # What is promised
//
//   - An instance is registered from one session to the next, until Deregister.
//     After Deregister nothing of it comes back, also if the call comes in an
//     outage.
//   - A process that starts again takes its instance over at once. It does not
//     wait until the session of the crashed process expires.
//   - While ZooKeeper does not answer, GetService and the watchers keep the last
//     instances. With CacheFile they are also available at a cold start.
//   - If a service loses all of its instances at once, they are shown for a while
//     longer: see naming.ProtectEmpty. OpenOptions turns that off.
//   - An instance that cannot be read is left out, and reported once. The other
//     instances are still served.
//   - A watcher returns the newest list. It skips lists that come and go, but
//     never the last one.
//
// # What is not promised
//
// An instance that crashes is listed until its session has expired. kratos's own
// registry registers an instance again after its Deregister if the session
// changes; an instance that such a program has registered may come back.
package docentkratos
