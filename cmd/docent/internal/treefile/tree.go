package treefile

import (
	"bytes"
	"maps"
	"slices"
	"strings"
)

// Tree is the keys of a tree with their values.
type Tree struct {
	// Path is the path of the tree. It is empty if it is not known.
	Path string
	// Zxid is at least the zxid of every value, and less than the zxid of every
	// later change. It is 0 if it is not known.
	Zxid int64
	Keys map[string][]byte // by the key, relative to Path
	// Unknown are keys that exist and may not be read. Nothing is known of the
	// keys below them either. The empty key stands for the whole tree.
	Unknown []string
}

// Sorted returns the keys in order: each before the keys below it.
func (t Tree) Sorted() []string { return slices.Sorted(maps.Keys(t.Keys)) }

// Inner returns the keys and directories that have keys below them.
func (t Tree) Inner() map[string]bool {
	inner := make(map[string]bool)
	for _, key := range slices.AppendSeq(slices.Clone(t.Unknown), maps.Keys(t.Keys)) {
		for i := strings.LastIndexByte(key, '/'); i >= 0; i = strings.LastIndexByte(key[:i], '/') {
			if inner[key[:i]] {
				break
			}
			inner[key[:i]] = true
		}
	}
	return inner
}

// withoutDirectories removes empty values that have keys below them. In
// ZooKeeper they are directories, and not keys.
func (t Tree) withoutDirectories() {
	for dir := range t.Inner() {
		if value, found := t.Keys[dir]; found && len(value) == 0 {
			delete(t.Keys, dir)
		}
	}
}

// Difference is a key whose values in two trees differ. A value is nil in a tree
// without the key.
type Difference struct {
	Key           string
	Before, After []byte
}

// Compare returns the differences from one tree to another, in the order of
// the keys.
func Compare(before, after Tree) []Difference {
	var all []Difference
	for key, value := range before.Keys {
		if now, found := after.Keys[key]; !found {
			all = append(all, Difference{Key: key, Before: present(value)})
		} else if !bytes.Equal(value, now) {
			all = append(all, Difference{Key: key, Before: present(value), After: present(now)})
		}
	}
	for key, value := range after.Keys {
		if _, found := before.Keys[key]; !found {
			all = append(all, Difference{Key: key, After: present(value)})
		}
	}
	slices.SortFunc(all, func(a, b Difference) int { return strings.Compare(a.Key, b.Key) })
	return all
}

// present returns a value that is not nil.
func present(value []byte) []byte {
	if value == nil {
		return []byte{}
	}
	return value
}
