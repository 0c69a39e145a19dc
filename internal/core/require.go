package core

import (
	"fmt"

	"github.com/docent-go/docent/internal/base/znode"
)

// The server checks only versions. The operations here make a transaction
// depend on other facts: each pair creates a znode and deletes it again, and
// one of the two fails unless the fact is true. The transaction as a whole
// leaves no such znode, and no client ever reads it.

// proofName begins the names of these znodes.
const proofName = "docent-proof-"

// RequirePersistent returns operations that fail unless the node at path is
// persistent: an ephemeral node cannot have children. They need the rights to
// create and delete children of the node. The transaction fails with
// ErrNoChildrenForEphemerals for an ephemeral node, and with ErrNoNode without a
// node.
func RequirePersistent(path string) []Op {
	child := znode.Join(path, proofName+znode.NewGUID())
	create, remove := CreateOp(child, nil, Persistent), DeleteOp(child, AnyVersion)
	create.fleeting = true
	return []Op{create, remove}
}

// RequireNoCreates returns operations that fail unless the directory has
// created no child since its stat was read. So no child was replaced in that
// time. They need the rights to create and delete children of the directory.
// The transaction fails with ErrNoNode if a child was created.
//
// The numbers of sequential children count the creates of a directory. So the
// operations create a sequential child, and delete the child with the number
// that is next by the stat. A directory that was itself deleted and created
// again counts anew, and may reach the same number.
func RequireNoCreates(dir string, seen Stat) []Op {
	// The server computes Cversion as twice the creates, less the children.
	creates := (int64(seen.Cversion) + int64(seen.NumChildren)) / 2
	prefix := znode.Join(dir, proofName)
	create, remove := CreateOp(prefix, nil, Sequential), DeleteOp(fmt.Sprintf("%s%010d", prefix, creates), AnyVersion)
	create.fleeting = true
	return []Op{create, remove}
}
