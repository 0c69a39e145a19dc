// Package httpbalance sends HTTP requests to the instances of services. It
// provides an http.RoundTripper for URLs with a service in place of a host.
//
//	orders, err := registry.Open(ctx, "orders")
//	defer orders.Close()
//	client := &http.Client{Transport: httpbalance.New(httpbalance.Service("orders", orders))}
//	resp, err := client.Get("http://orders/v1/17")
//
// # What is promised
//
//   - Each request goes to an instance that is neither disabled nor draining,
//     by the strategy of the service. A change in ZooKeeper applies from the
//     next request on. Requests under way are left alone, so that a draining
//     instance can finish them.
//   - An instance that refuses a connection is passed over for a while at once.
//     An instance that fails otherwise is passed over after some failures: see
//     DownAfter. If all are passed over, they are tried nevertheless. With
//     naming.LeastPending each failure also weighs against its instance for ten
//     seconds.
//   - If no connection was made, the request was not sent. It is tried on
//     another instance whatever its method is, if its body can be read again
//     (http.NoBody, GetBody). If the connection broke off, the request is tried
//     again only if it is idempotent: GET, HEAD, OPTIONS, TRACE, PUT, DELETE,
//     or with a header Idempotency-Key. No instance is tried twice for one
//     request.
//   - An instance that has only an SSL port is called with https, even for http
//     URLs. It gets nothing in plain text.
//   - Requests to other hosts go to these hosts.
//
// # What is not promised
//
// A response, whatever its status, never has a request tried again. The
// requests of one browser stay with an instance only with a strategy for that
// (naming.Sticky, naming.Hash) and a Key.
//
// # What ctx governs
//
// The request's context bounds all attempts together. If the caller cancels it,
// the instance is not at fault. If its deadline passes, that counts as a
// failure of the instance.
package httpbalance
