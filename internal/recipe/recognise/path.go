package recognise

import (
	"context"
	"errors"
	"slices"
	"strconv"

	"github.com/docent-go/docent/internal/base/znode"
	"github.com/docent-go/docent/internal/core"
)

// Reader is a session or a manager.
type Reader interface {
	Children(ctx context.Context, path string) ([]string, core.Stat, error)
	Exists(ctx context.Context, path string) (core.Stat, bool, error)
}

// maxLooks bounds how many children of a directory Path looks at.
const maxLooks = 3

// directoryNames are the names of directories within a queue or a semaphore,
// which may be empty for a while.
var directoryNames = []string{"items", "claims", "dead", "guards", "entries", "taken", leasesName, locksName}

// Path describes the znode at path if that is certain, and returns ""
// otherwise. data and stat are the caller's reading of it.
//
// It sends no request if the znode holds data, or has no children. One read
// tells whether a number at a path that ends with "claims" is a partitioner's. For an empty
// znode with children, a list and up to three reads tell whether it is the
// directory of a recipe. Znodes that the session may not read are skipped. ctx
// bounds the requests; the error is the error of a read.
func Path(ctx context.Context, in Reader, path string, data []byte, stat core.Stat) (string, error) {
	what := Node(path, data, stat)
	dir, name := znode.Split(path)
	switch {
	case what == "" && name == claimsName && isCount(data):
		return count(ctx, in, dir)
	case what != "" || len(data) > 0:
		return what, nil
	case stat.NumChildren > 0:
		return directory(ctx, in, path)
	case slices.Contains(directoryNames, name):
		children, err := list(ctx, in, dir)
		if what = Directory(children); what != "" {
			what += ", or within that"
		}
		return what, err
	}
	return "", nil
}

// claimsName is the name of the znode that holds the number of partitions of a
// partitioner. membersName is the name of the group of its members.
const (
	claimsName  = "claims"
	membersName = "members"
)

// isCount reports whether data may be a number of partitions.
func isCount(data []byte) bool {
	n, err := strconv.Atoi(string(data))
	return err == nil && n > 0
}

// count describes the znode "claims" in dir, which holds a number: a partitioner
// has a directory of members beside it. A key that is called "members" holds
// data.
func count(ctx context.Context, in Reader, dir string) (string, error) {
	members, found, err := in.Exists(ctx, znode.Join(dir, membersName))
	switch {
	case errors.Is(err, core.ErrNoAuth):
		return "", nil
	case err != nil:
		return "", err
	case found && members.EphemeralOwner == 0 && members.DataLength == 0:
		return "it is the number of partitions of a partitioner", nil
	}
	return "", nil
}

func directory(ctx context.Context, in Reader, path string) (string, error) {
	children, err := list(ctx, in, path)
	if err != nil {
		return "", err
	}
	if what := Directory(children); what != "" {
		return what, nil
	}
	slices.Sort(children)
	for _, name := range children[:min(maxLooks, len(children))] {
		switch stat, found, err := in.Exists(ctx, znode.Join(path, name)); {
		case errors.Is(err, core.ErrNoAuth):
		case err != nil:
			return "", err
		case found && stat.EphemeralOwner != 0:
			return "it is a directory of znodes that sessions own, such as a group or a service", nil
		}
	}
	return "", nil
}

// list lists the children of a znode: none if the znode is missing or
// unreadable.
func list(ctx context.Context, in Reader, path string) ([]string, error) {
	children, _, err := in.Children(ctx, path)
	if errors.Is(err, core.ErrNoNode) || errors.Is(err, core.ErrNoAuth) {
		return nil, nil
	}
	return children, err
}
