// Package observe is what the metrics of several systems have in common: the
// values of their labels, of which there must be few.
package observe

import "sync"

// What has no name, and what has one too many.
const (
	Unnamed  = "unnamed"
	overflow = "overflow"
)

// MaxNames is how many names are told apart.
const MaxNames = 200

// Below gives the paths in names, and all paths below them, their names. Of
// several the longest path counts.
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

// Names gives paths their names by a function of the user's, within MaxNames.
// It is safe for concurrent use.
type Names struct {
	// Of is nil when nothing has a name. It is not changed once there is a path.
	Of func(path string) string

	mu   sync.Mutex
	seen map[string]struct{}
}

// Name returns the name of a path.
func (n *Names) Name(path string) string {
	if n.Of == nil {
		return Unnamed
	}
	return n.Bounded(n.Of(path))
}

// Bounded returns the name if it is one of the first MaxNames.
func (n *Names) Bounded(name string) string {
	if name == "" {
		return Unnamed
	}
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
