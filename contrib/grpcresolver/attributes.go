package grpcresolver

import (
	"google.golang.org/grpc/resolver"

	"github.com/docent-go/docent/naming"
)

type key struct{}

// instance is an attribute of an endpoint. grpc compares attributes.
type instance struct{ naming.Instance }

// Equal reports whether the two are equal for a balancing policy.
func (i instance) Equal(other any) bool {
	o, ok := other.(instance)
	return ok && i.Instance.Equal(o.Instance)
}

// describe adds the instance to the attributes of an endpoint.
func describe(e resolver.Endpoint, in naming.Instance) resolver.Endpoint {
	e.Attributes = e.Attributes.WithValue(key{}, instance{in})
	return e
}

// InstanceOf returns the instance of an endpoint that this package has
// resolved, for balancing policies. It returns false for any other endpoint. It
// is safe for concurrent use.
func InstanceOf(e resolver.Endpoint) (naming.Instance, bool) {
	i, ok := e.Attributes.Value(key{}).(instance)
	return i.Instance, ok
}
