package main

import (
	"github.com/docent-go/docent/internal/base/visible"
	"github.com/docent-go/docent/internal/base/znode"
)

// oneLine writes a name, a path or a value as a part of a line of text.
func oneLine(s string) string { return visible.Bytes(s) }

// checkPath rejects a path that no recipe can use, before docent connects.
func checkPath(path string) error { return znode.Validate(path) }

// checkTree is checkPath for the directory of a tree, which may be the root.
func checkTree(path string) error { return znode.ValidateRoot(path) }
