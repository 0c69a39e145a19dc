package naming

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

const (
	dubboBean   = "org.apache.dubbo.registry.zookeeper.ZookeeperInstance"
	enabledKey  = "enabled"
	disabledKey = "disabled"
)

// DubboApplication is the codec of Dubbo 3's discovery of applications. A
// service of the registry is an application, and an instance is a process of it,
// in Curator's layout below /services, with a payload of Dubbo's own class:
//
//	/services/shop/10.0.0.7:20880
//	"payload":{"@class":"org.apache.dubbo.registry.zookeeper.ZookeeperInstance",
//	  "id":"10.0.0.7:20880","name":"shop","metadata":{"dubbo.endpoints":"[{\"port\":20880,\"protocol\":\"dubbo\"}]",
//	  "dubbo.metadata.revision":"d41d8c…","dubbo.metadata.storage-type":"remote"}}
//
// The instance tells nothing of the interfaces that it serves: package
// naming/dubbo writes and reads these. Dubbo's consumers take the fields from
// the metadata, if an interface has no parameter of its own: "weight",
// "disabled":"true", and "enabled":"false", which is Draining. A weight of 0 or
// less is read as Draining. An instance without a weight has 100. All other
// pairs are Metadata: "dubbo.tag", "timestamp", and the properties of Dubbo.
// "enabled" beside a "disabled" that is not true has no effect in Dubbo, and
// both stay in Metadata.
//
// An empty ID becomes "address:port", as in Dubbo. The ID does not change with
// the address. An instance without an address or a port cannot be written:
// Dubbo's consumers fail on all instances of the application then. A Payload
// cannot be written either. An instance with a foreign payload is read as
// Curator reads it.
//
// Rules in YAML for the application, in /dubbo/config/dubbo, are not applied: a
// service that is opened has an *OverrideError for them.
func DubboApplication() Codec {
	return &dubboApplication{bean{program: dubboProgram, class: dubboBean}}
}

type dubboApplication struct{ bean }

// idOf returns the ID of an instance that is registered without one. Dubbo puts
// no brackets around an IPv6 address.
func (d *dubboApplication) idOf(in Instance) string {
	return in.Address + ":" + strconv.Itoa(in.Port)
}

// encodeDubboFields is bean.encodeFields of Dubbo.
func encodeDubboFields(pairs []pair, in *Instance) ([]pair, map[string]string, error) {
	if in.Address == "" || in.Port == 0 {
		return nil, nil, errors.New("an instance of Dubbo needs an address and a port: Dubbo's consumers fail on all instances of an application that has one without")
	}
	metadata := in.Metadata
	if in.Weight != 0 && (in.Weight != dubboWeight || !in.from().unweighted) {
		pairs = append(pairs, pair{weightKey, strconv.Itoa(in.Weight)})
	}
	if value, taken := metadata[weightKey]; taken {
		if _, _, weighs := parseWeight(value); weighs || len(pairs) > 0 {
			return nil, nil, errors.New(`the metadata key "weight" is reserved: set the field Weight`)
		}
	}
	disabled, hasDisabled := metadata[disabledKey]
	enabled, hasEnabled := metadata[enabledKey]
	switch {
	case isTrue(disabled):
		return nil, nil, fmt.Errorf("the metadata key %q is reserved: set the field Disabled", disabledKey)
	case enabled != "" && !isTrue(enabled) && disabled == "":
		return nil, nil, fmt.Errorf("the metadata key %q is reserved: set the field Draining", enabledKey)
	case (in.Disabled || in.Draining) && (hasDisabled || hasEnabled):
		metadata = maps.Clone(metadata)
		delete(metadata, disabledKey)
		delete(metadata, enabledKey)
	}
	if in.Disabled {
		pairs = append(pairs, pair{disabledKey, "true"})
	}
	if in.Draining {
		pairs = append(pairs, pair{enabledKey, "false"})
	}
	return pairs, metadata, nil
}

// decodeDubboFields is bean.decodeFields of Dubbo.
func decodeDubboFields(in *Instance, metadata []member, from *origin) {
	disabled, _ := textOf(metadata, disabledKey)
	enabled, _ := textOf(metadata, enabledKey)
	if isTrue(disabled) {
		in.Disabled, disabled = true, ""
		metadata = without(metadata, disabledKey)
	}
	drains := enabled != "" && !isTrue(enabled) && disabled == ""
	if drains {
		metadata = without(metadata, enabledKey)
	}
	in.take(metadata)
	in.weighAsDubbo(from)
	in.Draining = in.Draining || drains
}

// weighAsDubbo gives an instance that was read without a weight the weight that
// it has in Dubbo.
func (in *Instance) weighAsDubbo(from *origin) {
	if in.Weight == 0 {
		from.unweighted = !in.Draining
		in.Weight = dubboWeight
	}
}

func without(all []member, key string) []member {
	return slices.DeleteFunc(all, func(m member) bool { return m.key == key })
}

// isTrue reports whether Java reads a text as true.
func isTrue(s string) bool { return strings.EqualFold(s, "true") }
