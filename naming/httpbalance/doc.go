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
//   - Requests to other hosts go to these hosts, unless OnlyServices rejects
//     them.
//
// # TLS and names
//
// Any program that may write to the registry chooses the addresses in it. It
// chooses nothing else:
//
//   - The certificate of an instance is verified for the name of the service, or
//     for the name that ServerName or the program's tls.Config sets. The address
//     of the instance is not a name to verify. An instance with a certificate
//     for another name gets nothing of the request. It is passed over for a
//     while, and the request is tried on another instance, whatever its method.
//   - A RoundTripper that cannot be told the name gets no request with TLS: the
//     request is rejected. See RoundTrippers.
//   - An https request is never sent in plain text. A redirect from https to
//     http is an error if it comes from a service or leads to one.
//   - http://Orders/, http://orders./ and http://orders:80/ reach the service
//     orders, as https://orders:443/ does. Another port is an error. No spelling
//     leads to DNS.
//   - The header Host of a request without one is the host of its URL, and not
//     the address of the instance.
//   - An address that naming.Instance.CheckAddress rejects is never called.
//
// An http request is not authenticated: whatever answers at the address gets
// it. naming.AddressRules keep requests from the client's own machine and from
// metadata services.
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
//
// An attempt has no time limit of its own. An instance whose process is stopped
// still accepts connections, and answers nothing. So one attempt can use up the
// time of the whole request. Give RoundTripper an http.Transport with a
// ResponseHeaderTimeout that is shorter: the attempt then ends after that time,
// and the request is tried on another instance if it is idempotent.
//
//	base := http.DefaultTransport.(*http.Transport).Clone()
//	base.ResponseHeaderTimeout = time.Second // of one attempt
//	transport := httpbalance.New(httpbalance.RoundTripper(base), httpbalance.Service("orders", orders))
//	client := &http.Client{Timeout: 5 * time.Second, Transport: transport}
package httpbalance
