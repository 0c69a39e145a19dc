// Package grpcresolver lets grpc-go find the instances of services: it is a
// resolver for targets like docent:///orders.
//
//	conn, err := grpc.NewClient("docent:///orders",
//		grpc.WithResolvers(grpcresolver.New(naming.New(sm))),
//		grpc.WithDefaultServiceConfig(`{"loadBalancingConfig":[{"round_robin":{}}]}`),
//		grpc.WithTransportCredentials(insecure.NewCredentials()))
//
// # What is promised
//
//   - The addresses are those of the instances that are neither disabled nor
//     draining. An instance that drains gets no new calls; those under way are
//     finished, for grpc closes a connection that is no longer named only then.
//   - An instance with an SSL port alone is left out of a connection without TLS.
//   - While ZooKeeper is away the last known addresses stay, and with a
//     naming.CacheFile they are there at a cold start too.
//   - An instance that changes but for its address is not connected to anew.
//   - Nothing runs any more when the connection's Close has returned.
//
// # What is not promised
//
// An instance that crashes is named until its session has expired. A call that
// was sent to it is lost unless a retry policy repeats it, which grpc does for
// those that the instance has not begun to answer.
//
// A call that chooses a connection at the very moment at which grpc gives it up,
// because its instance drains or has gone, may have to wait until the calls
// that are under way on it have ended (so in grpc-go 1.85), before it goes to another. With
// long streams on the connection that is long: calls should have deadlines.
//
// # Attributes
//
// InstanceOf gives balancing policies the naming.Instance behind an endpoint:
// its weight, whether it drains (KeepDraining), and its metadata. The policies
// that come with grpc do not look at it.
package grpcresolver
