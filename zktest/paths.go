package zktest

import "strings"

const (
	rootPath   = "/"
	systemPath = "/zookeeper"
	quotaPath  = "/zookeeper/quota"
	configPath = "/zookeeper/config"
)

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
