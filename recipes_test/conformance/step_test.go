package conformance

import (
	"fmt"
	"math/bits"
	"strings"

	"github.com/go-zookeeper/zk"
	"pgregory.net/rapid"
)

// step is one step of a random program, as pure data. It names nodes relative
// to the program's directory, and versions relative to the node's version at
// that moment.
type step struct {
	kind    string
	who     int // the index of the session
	path    string
	nth     int // if ≥ 0, the nth sequential node made so far, if it exists, instead of path
	mode    string
	data    []byte
	version version
	acl     int // index into acls
	user    string
	watch   bool
	subs    []step // of a multi
}

// version is the version that a conditional request asks for.
type version string

// The versions a step may ask for.
const (
	anyVersion   version = "any"
	rightVersion version = "right"
	wrongVersion version = "wrong"
)

// nothing is the first kind: rapid simplifies an irrelevant step to it.
const nothing = "nothing"

// kinds lists the kinds of steps, likelier ones several times.
var kinds = []string{
	nothing,
	"create", "create", "create", "create", "create", "create",
	"delete", "delete", "delete", "delete",
	"set", "set", "set", "set",
	"get", "get", "get", "exists", "exists", "exists", "exists", "children", "children", "children",
	"getACL", "setACL", "auth",
	"sync", "multi", "multi", "multi", "multi",
	"lose", "lose", "find", "find", "reopen",
}

var subKinds = []string{"create", "create", "delete", "set", "check"}

// modes are the flags of creates. By default servers refuse TTL nodes.
var modes = map[string]int32{
	"persistent": zk.FlagPersistent, "ephemeral": zk.FlagEphemeral, "sequential": zk.FlagSequence,
	"ephemeral sequential": zk.FlagEphemeralSequential, "container": zk.FlagContainer,
	"ttl": zk.FlagTTL, "ttl sequential": zk.FlagPersistentSequentialWithTTL,
}

var modeNames = []string{
	"persistent", "persistent", "persistent", "persistent", "ephemeral", "ephemeral", "sequential", "ephemeral sequential", "container",
	"ttl", "ttl sequential",
}

// subModeNames has no TTL nodes: in a transaction, the client sends the wrong
// kind of request for them. The frames cover TTL nodes.
var subModeNames = modeNames[:len(modeNames)-2]

// paths are the nodes that programs work on. There are few, so that steps
// collide. The empty path is the program's directory itself.
var paths = []string{"", "/a", "/b", "/a/x", "/a/y", "/b/x", "/a/x/deep", "/no/parent"}

// likelyPaths prefers nodes that exist from the start (see preamble) or that
// can be created.
var likelyPaths = append([]string{"/a", "/a", "/b", "/b", "/a/x", "/a/x", "/a/y", "/b/x"}, paths...)

// preamble is the start of every program.
var preamble = []step{
	{kind: "create", mode: "persistent", nth: -1},
	{kind: "create", mode: "persistent", nth: -1, path: "/a"},
	{kind: "create", mode: "persistent", nth: -1, path: "/b"},
}

// acls are the access control lists that steps set, invalid ones included.
var acls = []struct {
	name string
	list []zk.ACL
}{
	{"open", zk.WorldACL(zk.PermAll)},
	{"read only", zk.WorldACL(zk.PermRead)},
	{"no delete", zk.WorldACL(zk.PermAll &^ zk.PermDelete)},
	{"alice", zk.DigestACL(zk.PermAll, "alice", "secret")},
	{"alice writes, all read", append(zk.DigestACL(zk.PermAll, "alice", "secret"), zk.WorldACL(zk.PermRead)...)},
	{"bob", zk.DigestACL(zk.PermAll, "bob", "secret")},
	{"creator", zk.AuthACL(zk.PermAll)},
	{"creator and all", append(zk.AuthACL(zk.PermAll), zk.WorldACL(zk.PermRead|zk.PermCreate)...)},
	{"twice the same", append(zk.WorldACL(zk.PermAll), zk.WorldACL(zk.PermAll)...)},
	{"empty", []zk.ACL{}},
	{"no such scheme", []zk.ACL{{Perms: zk.PermAll, Scheme: "nothing", ID: "at all"}}},
	{"world, but someone", []zk.ACL{{Perms: zk.PermAll, Scheme: "world", ID: "someone"}}},
	{"digest without colon", []zk.ACL{{Perms: zk.PermAll, Scheme: "digest", ID: "alice"}}},
}

// likelyACLs prefers the open list: under any other list most later steps only
// fail with NoAuth.
var likelyACLs = append(make([]int, 30), 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12)

var users = []string{"alice:secret", "bob:secret", "alice:wrong"}

var payloads = [][]byte{nil, {}, []byte("v"), []byte("some more data")}

// steps is a whole program.
type steps []step

// GoString is rapid's output for a failing program: the effective steps, one a
// line.
func (p steps) GoString() string {
	var lines []string
	for _, s := range p {
		if s.kind != nothing {
			lines = append(lines, s.String())
		}
	}
	return "\n\t" + strings.Join(lines, "\n\t")
}

// drawProgram draws the steps of a program. By default rapid prefers short
// slices, and short programs reach little. So the length has a lower bound, and
// rapid simplifies needless steps to nothing instead of removing them.
var drawProgram = rapid.Custom(func(t *rapid.T) steps {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) step {
		s := drawStep(t, kinds, modeNames)
		if s.kind == "multi" {
			s.subs = rapid.SliceOfN(rapid.Custom(func(t *rapid.T) step {
				return drawStep(t, subKinds, subModeNames)
			}), 1, 4).Draw(t, "operations")
		}
		return s
	}), 60, 90).Draw(t, "steps")
})

func drawStep(t *rapid.T, kinds, modes []string) step {
	return step{
		kind:    pick(t, kinds),
		who:     pick(t, []int{0, 1}),
		path:    pick(t, likelyPaths),
		nth:     pick(t, []int{-1, -1, -1, -1, -1, 0, 1, 2}),
		mode:    pick(t, modes),
		data:    pick(t, payloads),
		version: pick(t, []version{anyVersion, anyVersion, rightVersion, wrongVersion}),
		acl:     pick(t, likelyACLs),
		user:    pick(t, users),
		watch:   pick(t, []bool{false, true, true}),
	}
}

// pick draws an element, each with the same probability. rapid.SampledFrom
// prefers the first few so much that most steps would be alike. Drawing the
// index bit by bit does not, and still simplifies towards the first.
func pick[T any](t *rapid.T, list []T) T {
	index := 0
	for range bits.Len(uint(len(list))) + 2 {
		index *= 2
		if rapid.Bool().Draw(t, "bit") {
			index++
		}
	}
	return list[index%len(list)]
}

func (s step) String() string {
	path := "~" + s.path
	if s.nth >= 0 {
		path = fmt.Sprintf("(sequential %d or %s)", s.nth, path)
	}
	watch := ""
	if s.watch {
		watch = ", watch"
	}
	text := ""
	switch s.kind {
	case "create":
		text = fmt.Sprintf("create ~%s, %s, %s, acl %s", s.path, s.mode, dataText(s.data), acls[s.acl].name)
	case "delete", "check":
		text = fmt.Sprintf("%s %s, %s version", s.kind, path, s.version)
	case "set":
		text = fmt.Sprintf("set %s to %s, %s version", path, dataText(s.data), s.version)
	case "get", "exists", "children":
		text = fmt.Sprintf("%s %s%s", s.kind, path, watch)
	case "getACL", "sync":
		text = s.kind + " " + path
	case "setACL":
		text = fmt.Sprintf("setACL %s to %s, %s version", path, acls[s.acl].name, s.version)
	case "auth":
		text = "auth " + s.user
	case "multi":
		var subs []string
		for _, sub := range s.subs {
			sub.who = s.who
			subs = append(subs, sub.String())
		}
		text = "multi [" + strings.Join(subs, "; ") + "]"
	default:
		text = s.kind
	}
	return fmt.Sprintf("%d: %s", s.who, text)
}
