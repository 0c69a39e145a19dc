package grpcresolver

import (
	"google.golang.org/grpc/resolver"

	"github.com/docent-go/docent/naming"
)

type key struct{}

// instance is an attribute, which grpc compares.
type instance struct{ naming.Instance }

// Equal says whether the two are the same for a balancing policy.
func (i instance) Equal(other any) bool {
	o, ok := other.(instance)
	return ok && i.Instance.Equal(o.Instance)
}

// describe has an endpoint tell of its instance.
func describe(e resolver.Endpoint, in naming.Instance) resolver.Endpoint {
	e.Attributes = e.Attributes.WithValue(key{}, instance{in})
	return e
}

// InstanceOf returns the instance behind an endpoint that this package has
// resolved, with its weight, and whether it drains. It is for balancing
// policies.
func InstanceOf(e resolver.Endpoint) (naming.Instance, bool) {
	i, ok := e.Attributes.Value(key{}).(instance)
	return i.Instance, ok
}
