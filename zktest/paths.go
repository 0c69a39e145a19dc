package zktest

import "strings"

const (
	rootPath   = "/"
	systemPath = "/zookeeper"
	quotaPath  = "/zookeeper/quota"
	configPath = "/zookeeper/config"
)

// validPath reports whether path may name a znode, by the rules of ZooKeeper's
// PathUtils. These look at UTF-16 units: a character outside the basic plane is
// invalid because of its surrogates.
func validPath(path string) bool {
	if path == "" || path[0] != '/' {
		return false
	}
	if path == rootPath {
		return true
	}
	if strings.HasSuffix(path, "/") {
		return false
	}
	for _, part := range strings.Split(path[1:], "/") {
		if part == "" || part == "." || part == ".." {
			return false
		}
	}
	for _, r := range path {
		switch {
		case r <= 0x1f, r >= 0x7f && r <= 0x9f, r >= 0xd800 && r <= 0xf8ff, r >= 0xfff0:
			return false
		}
	}
	return true
}

// splitPath cuts path at its last slash. It reports false for a path without one.
func splitPath(path string) (parent, name string, ok bool) {
	i := strings.LastIndexByte(path, '/')
	if i < 0 {
		return "", "", false
	}
	parent, name = path[:i], path[i+1:]
	if parent == "" {
		parent = rootPath
	}
	return parent, name, true
}

// isSpecial reports whether path is a znode that ZooKeeper keeps for itself and
// never deletes.
func isSpecial(path string) bool {
	return path == rootPath || path == systemPath || path == quotaPath || path == configPath
}

// inSystem reports whether path is in ZooKeeper's own subtree.
func inSystem(path string) bool {
	return path == systemPath || strings.HasPrefix(path, systemPath+"/")
}
