package inspect

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"

	"github.com/docent-go/docent/internal/base/znode"
)

// Names of Dubbo's metadata center.
const (
	dubboRoot     = "dubbo" // by default
	dubboMapping  = "mapping"
	dubboMetadata = "metadata"
)

var (
	// applications is the data of a mapping: names with commas between them.
	applications = regexp.MustCompile(`^[^\s,={}"]+(,[^\s,={}"]+)*$`)
	// revisions are MD5 sums.
	revisions = regexp.MustCompile(`^[0-9a-f]{32}$`)
)

// dubboRecord recognises what Dubbo keeps about its services beside their
// instances. Without it these znodes would look like config keys.
func (c *classifier) dubboRecord(n *node) Finding {
	if !n.leaf() || !n.lasting() || n.stat.DataLength == 0 {
		return nil
	}
	note := mappingOf(n)
	if note == "" {
		note = metadataOf(n)
	}
	if note == "" {
		return nil
	}
	p := &Plain{Header: headerAs(KindPlain, n), Bytes: int(n.stat.DataLength)}
	p.Layouts = []Layout{Dubbo}
	p.Notes = append(p.Notes, note)
	return p
}

// mappingOf describes the mapping of an interface to its applications:
// ROOT/mapping/INTERFACE. It returns "" for another node. ROOT is "dubbo", or has
// metadata too.
func mappingOf(n *node) string {
	dir, iface := znode.Split(n.path)
	above, name := znode.Split(dir)
	if name != dubboMapping || !strings.Contains(iface, ".") || !applications.Match(n.data) {
		return ""
	}
	if _, root := znode.Split(above); root != dubboRoot {
		if n.parent == nil || n.parent.parent == nil || n.parent.parent.kid(dubboMetadata) == nil {
			return ""
		}
	}
	return fmt.Sprintf("Dubbo's mapping: %s serves the interface", strings.ReplaceAll(string(n.data), ",", ", "))
}

// metadataOf describes the metadata of a revision of an application, which is at
// ROOT/metadata/APPLICATION/REVISION for Java and at ROOT/APPLICATION/REVISION for
// Go. It returns "" for another node. The data of a node that is too large to be
// kept does not tell: then the path decides.
func metadataOf(n *node) string {
	dir, revision := znode.Split(n.path)
	above, app := znode.Split(dir)
	var d struct {
		App      string                     `json:"app"`
		Revision string                     `json:"revision"`
		Services map[string]json.RawMessage `json:"services"`
	}
	switch {
	case n.withoutData():
		root, name := znode.Split(above)
		if _, root := znode.Split(root); name != dubboMetadata || root != dubboRoot || !revisions.MatchString(revision) {
			return ""
		}
		return "Dubbo's metadata of " + app
	case json.Unmarshal(n.data, &d) != nil || d.App != app || d.Revision != revision || d.Services == nil:
		return ""
	case len(d.Services) == 1:
		return "Dubbo's metadata of " + app + ", with one service"
	}
	return fmt.Sprintf("Dubbo's metadata of %s, with %d services", app, len(d.Services))
}
