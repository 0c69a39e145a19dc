package main

import (
	"cmp"
	"slices"
	"strings"

	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/session"
)

// aclCommand is "docent acl".
type aclCommand struct {
	Check aclCheck `cmd:"" help:"Print who may do what in a tree, and what strangers can do with it."`
	Init  aclInit  `cmd:"" help:"Make a directory that belongs to your credentials alone."`
}

// permissionNames are the names of the permissions, in ZooKeeper's order.
var permissionNames = []struct {
	perm int32
	name string
}{
	{session.PermCreate, "create"}, {session.PermDelete, "delete"}, {session.PermRead, "read"},
	{session.PermWrite, "write"}, {session.PermAdmin, "admin"},
}

func permissions(perms int32) (names []string) {
	for _, p := range permissionNames {
		if perms&p.perm != 0 {
			names = append(names, p.name)
		}
	}
	return names
}

// ownersOf returns the identities to which the ACL gives all permissions.
func ownersOf(acl []session.ACL) (owners []string) {
	for _, g := range core.GrantsOf(acl) {
		if g.Perms == session.PermAll {
			owners = append(owners, g.Who())
		}
	}
	slices.SortFunc(owners, strings.Compare)
	return owners
}

// ownerText names the owners of a node for people.
func ownerText(acl []session.ACL) string {
	return cmp.Or(strings.Join(ownersOf(acl), " and "), "nobody")
}
