// Package grpcresolver is a resolver for grpc-go: it resolves targets such as
// docent:///orders to the instances of a service in ZooKeeper.
//
//	conn, err := grpc.NewClient("docent:///orders",
//		grpc.WithResolvers(grpcresolver.New(naming.NewRegistry(sm))),
//		grpc.WithDefaultServiceConfig(`{"loadBalancingConfig":[{"round_robin":{}}]}`),
//		grpc.WithTransportCredentials(insecure.NewCredentials()))
//
// # What is promised
//
//   - The resolved addresses belong to instances that are neither disabled nor
//     draining. A draining instance gets no new calls. Its present calls are
//     completed, since grpc closes a connection that is no longer resolved only
//     after its calls.
//   - On a connection without TLS, instances with an SSL port alone are left
//     out. A connection with TLS uses the SSL port of an instance that has one.
//   - Addresses that naming.Instance.CheckAddress rejects are left out, such as
//     paths of sockets.
//   - While ZooKeeper does not answer, the last known addresses stay. With a
//     naming.CacheFile they are also available at a cold start.
//   - An instance keeps its connection if it changes and its address stays.
//   - When Close of the connection has returned, no goroutine is left, unless a
//     function of the program is still running after a second.
//
// # What is not promised
//
// An instance that crashes is resolved until its session has expired. A call to
// it is lost unless a retry policy repeats it. grpc repeats only calls that the
// instance has not begun to answer.
//
// grpc's policy round_robin keeps a connection to each instance. Any program
// that may write to the registry can register as many addresses as the limit of
// the service allows, 20,000 by default. With OpenOptions, naming.Limit sets a
// limit below the number of descriptors.
//
// A call may choose a connection at the moment at which grpc gives the
// connection up, since its instance drains or has gone. Such a call may wait
// until the present calls on the connection have ended, before it uses another
// connection (in grpc-go 1.85). That is long with long streams: give calls
// deadlines.
//
// # TLS and names
//
// Any program that may write to the registry chooses the addresses in it. It
// chooses nothing else:
//
//   - The name for which certificates are verified, and the authority of the
//     calls, is the name of the service in the target. ServerName sets another
//     name for each service. grpc.WithAuthority, and a server name in the
//     transport credentials, have precedence.
//   - An instance with a certificate for another name gets no call.
//   - Addresses have no name of a server and no attributes. Nothing in the
//     metadata of an instance reaches transport credentials or the service
//     config.
//
// The target has the name of the service as it is in ZooKeeper, where Orders is
// not orders, and "orders." is a third service. A target without a scheme, or
// with another one, is not resolved by this package.
//
// For a check of the addresses themselves, give naming.Filter to OpenOptions,
// and the Control of naming.AddressRules to the net.Dialer of
// grpc.WithContextDialer.
//
// # Attributes
//
// InstanceOf gives balancing policies the naming.Instance of an endpoint: its
// weight, whether it drains (KeepDraining), and its metadata. grpc's own
// policies ignore it.
package grpcresolver
