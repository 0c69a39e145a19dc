// Package httpbalance sends HTTP requests to the instances of services: it is an
// http.RoundTripper for URLs that name a service in place of a host.
//
//	orders, err := registry.Watch(ctx, "orders")
//	defer orders.Close()
//	client := &http.Client{Transport: httpbalance.New(httpbalance.Service("orders", orders))}
//	resp, err := client.Get("http://orders/v1/17")
//
// # What is promised
//
//   - Each request goes to an instance that is neither disabled nor draining, by
//     the strategy of the service. What ZooKeeper says counts from the next
//     request on; requests under way are left alone, so that an instance that
//     drains can finish.
//   - An instance that nothing can connect to is passed over for a while at once,
//     and one that fails otherwise after some failures: see Down. When all are
//     passed over, they are asked nevertheless. With naming.LeastPending each
//     failure weighs against its instance for ten seconds besides.
//   - A request that no connection was made for was not sent. It is tried on
//     another instance whatever its method is, if its body can be had again
//     (http.NoBody, GetBody). One that broke off is tried on another instance only if it is
//     idempotent: GET, HEAD, OPTIONS, TRACE, PUT, DELETE, or with a header
//     Idempotency-Key. No instance is asked twice for one request.
//   - An instance that has an SSL port alone is called with https, for http URLs
//     too. It gets nothing in plain text.
//   - Requests to hosts that are no service go where they say.
//
// # What is not promised
//
// A response is never a reason to try again, whatever its status. Sessions of a
// browser stay with an instance only by a strategy that says so (naming.Sticky,
// naming.Hash) and a Key.
//
// # What ctx governs
//
// The request's context bounds all attempts together. A caller that cancels says
// nothing about the instance; a deadline that passes counts against it.
package httpbalance
