package inspect

import (
	"slices"
	"strings"
	"time"

	"github.com/docent-go/docent/internal/base/znode"
	"github.com/docent-go/docent/internal/recipe/owner"
)

// revokeMessage is the data that Docent's and Curator's Revoke write into a
// znode.
const revokeMessage = "__REVOKE__"

// created returns the time at which the node was created. It is zero for the
// root, and for a node whose stat the server does not send.
func (n *node) created() time.Time { return owner.Of(n.path, n.stat).Since }

// owner describes the owner of the node.
func (n *node) owner() Owner {
	o := Owner{Owner: owner.Of(n.path, n.stat), Layout: layoutOf(n.name), Revoked: string(n.data) == revokeMessage}
	o.Hidden = n.hidden == hiddenData || n.unknown()
	o.LeftOut = n.withoutData()
	if o.Revoked {
		return o // the request has replaced the owner's data
	}
	if data, ours := owner.Parse(n.data); ours {
		o.ID, o.Host, o.PID, o.ParentSessions, o.Layout = data.ID, data.Host, data.PID, data.Parents, Docent
	} else {
		o.ID = owner.Text(n.data)
	}
	return o
}

// holding returns an owner that has held since its znode was created.
func (o Owner) holding() Owner {
	o.HoldingSince = o.Since
	return o
}

// Lengths of unique ids in names.
const (
	hexLen = 32
)

// layoutOf returns the layout of a protected name, or "".
func layoutOf(name string) Layout {
	if guid, ok := znode.GUID(name); ok && znode.IsUUID(guid) {
		return Curator
	}
	if rest, ok := strings.CutPrefix(name, "_c_"); ok && len(rest) > hexLen && znode.IsHex(rest[:hexLen]) && rest[hexLen] == '-' {
		return GoZooKeeper
	}
	if len(name) >= hexLen && znode.IsHex(name[:hexLen]) {
		return Kazoo
	}
	return ""
}

// layoutsOf returns the layouts of owners, sorted, each once.
func layoutsOf(owners ...[]Owner) []Layout {
	return layoutsIn(slices.Concat(owners...), func(o Owner) Layout { return o.Layout })
}

// layoutsIn returns the known layouts of the elements, sorted, each once.
func layoutsIn[T any](all []T, layoutOf func(T) Layout) []Layout {
	var layouts []Layout
	for _, one := range all {
		if layout := layoutOf(one); layout != "" {
			layouts = append(layouts, layout)
		}
	}
	slices.Sort(layouts)
	return slices.Compact(layouts)
}
