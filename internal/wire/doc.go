// Package wire is ZooKeeper's protocol in bytes: frames, the records inside them,
// kinds of requests, error codes and what each says of a request. It knows neither
// sessions nor connections, does no I/O but to read a frame, and believes no length
// beyond the bytes that are there.
//
// The layouts come from zookeeper.jute and from the classes of ZooKeeper 3.9's package
// org.apache.zookeeper.proto.
package wire
