package naming

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/docent-go/docent/internal/base/misuse"
)

const (
	springBean  = "org.springframework.cloud.zookeeper.discovery.ZookeeperInstance"
	statusKey   = "instance_status"
	statusUp    = "UP"
	statusDrain = "OUT_OF_SERVICE"
)

// springURI is the uriSpec that Spring Cloud ZooKeeper gives its instances.
var springURI = URISpec{{"scheme", true}, {"://", false}, {"address", true}, {":", false}, {"port", true}}

// Spring is the codec of Spring Cloud ZooKeeper: Curator's layout, below
// /services, with a payload of Spring's own class:
//
//	"payload":{"@class":"org.springframework.cloud.zookeeper.discovery.ZookeeperInstance",
//	  "id":"orders-1","name":"orders","metadata":{"instance_status":"UP","weight":"3","zone":"a"}}
//
// Draining is the status OUT_OF_SERVICE, which Spring's consumers filter out.
// An instance without a status is up. Any status but UP, in whatever case,
// counts as draining and is kept. Weight is the metadata key "weight", where
// Spring Cloud LoadBalancer looks for it. A weight of 0 or less is read as
// Draining. Numbers, true and false in the metadata are read as texts. An
// instance without a URISpec gets Spring's,
// {scheme}://{address}:{port}. A Payload cannot be written. An instance with a
// foreign payload is read as Curator reads it, and cannot be written either.
//
// Use it if Spring's programs read the same services: their deserialiser fails
// on every other payload.
func Spring(opts ...CuratorOption) Codec {
	s := &bean{program: springProgram, class: springBean, uriSpec: springURI}
	misuse.Apply("naming.Spring", &s.curator, opts)
	return s
}

// encodeSpringFields is bean.encodeFields of Spring.
func encodeSpringFields(pairs []pair, in *Instance) ([]pair, map[string]string, error) {
	if _, taken := in.Metadata[statusKey]; taken {
		return nil, nil, fmt.Errorf("the metadata key %q is reserved: set the field Draining", statusKey)
	}
	if err := in.weighs(); err != nil {
		return nil, nil, err
	}
	status := statusUp
	if in.Draining {
		status = cmp.Or(in.from().status, statusDrain)
	}
	pairs = append(pairs, pair{statusKey, status})
	if in.Weight != 0 {
		pairs = append(pairs, pair{weightKey, strconv.Itoa(in.Weight)})
	}
	return pairs, in.Metadata, nil
}

// decodeSpringFields is bean.decodeFields of Spring.
func decodeSpringFields(in *Instance, metadata []member, from *origin) {
	status, stated := textOf(metadata, statusKey)
	in.take(slices.DeleteFunc(metadata, func(m member) bool { return m.key == statusKey }))
	if stated = stated && !isUp(status); stated {
		in.Draining = true
	}
	if stated && status != statusDrain {
		from.status = status
	}
}

// isUp reports whether Spring's consumers call an instance with the status.
func isUp(status string) bool {
	return strings.EqualFold(status, statusUp) || strings.TrimSpace(status) == ""
}
