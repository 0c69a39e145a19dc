// Package moving tests what docs/migrate.md says of other libraries' locks: how
// they behave on a bad day, and how a program holds two locks at a time. It has
// the guide's code for etcd and Consul. It is a module of its own, because their
// clients concern no other module.
package moving
