package prom

import (
	"strings"
	"sync"
)

// MaxNames is the maximum number of names of a Collector. Further names are
// counted as "overflow", so that a function that makes names from paths cannot
// fill the memory of Prometheus.
const MaxNames = 200

const (
	unnamed  = "unnamed"
	overflow = "overflow"
)

// Below returns a function for Names. It gives each path in names, and all
// paths below it, its name. If several paths match, the longest counts. Paths
// are relative to the Manager's root.
func Below(names map[string]string) func(path string) string {
	return func(path string) string {
		for at := path; ; at = parent(at) {
			if name, ok := names[at]; ok {
				return name
			}
			if at == "/" || at == "" {
				return ""
			}
		}
	}
}

func parent(path string) string {
	for i := len(path) - 1; i > 0; i-- {
		if path[i] == '/' {
			return path[:i]
		}
	}
	return "/"
}

// namer gives paths names by a function of the program, at most MaxNames
// different ones. It is safe for concurrent use.
type namer struct {
	// of is nil if no path has a name. New sets it.
	of func(path string) string

	mu   sync.Mutex
	seen map[string]struct{}
}

// name returns the name of a path.
func (n *namer) name(path string) string {
	if n.of == nil {
		return unnamed
	}
	return n.bounded(n.of(path))
}

// bounded returns the name if it is one of the first MaxNames. Bytes that are
// not UTF-8 are replaced: a label with them panics.
func (n *namer) bounded(name string) string {
	if name == "" {
		return unnamed
	}
	name = strings.ToValidUTF8(name, "\uFFFD")
	n.mu.Lock()
	defer n.mu.Unlock()
	if _, ok := n.seen[name]; ok {
		return name
	}
	if len(n.seen) >= MaxNames {
		return overflow
	}
	if n.seen == nil {
		n.seen = make(map[string]struct{})
	}
	n.seen[name] = struct{}{}
	return name
}
