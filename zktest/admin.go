package zktest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/docent-go/docent/internal/wire"
)

// openACL grants every permission to everyone.
var openACL = []ACL{{Perms: 31, Scheme: "world", ID: "anyone"}}

// Put sets the data of a znode without a client. It creates the znode and its
// parents if they are missing.
func (s *Server) Put(path string, data []byte) error {
	code := CodeBadArguments
	s.do(func() {
		if !wire.ValidPath(path) {
			return
		}
		code = CodeOK
		for i := 1; i < len(path) && code == CodeOK; i++ {
			if path[i] == '/' && s.tree.nodes[path[:i]] == nil {
				code = s.admin(writeRequest{op: OpCreate, path: path[:i], data: []byte{}, acl: openACL, ttl: -1})
			}
		}
		w := writeRequest{op: OpSetData, path: path, data: data, version: -1}
		if s.tree.nodes[path] == nil {
			w = writeRequest{op: OpCreate, path: path, data: data, acl: openACL, ttl: -1}
		}
		if code == CodeOK {
			code = s.admin(w)
		}
	})
	if code != CodeOK {
		return fmt.Errorf("zktest: put %s: %w", path, code)
	}
	return nil
}

// Remove deletes a znode and everything below it, without a client.
func (s *Server) Remove(path string) error {
	code := CodeNoNode
	s.do(func() {
		if inSystem(path) || path == rootPath {
			code = CodeBadArguments
			return
		}
		all := s.paths()
		for i := len(all) - 1; i >= 0; i-- {
			if all[i] == path || strings.HasPrefix(all[i], path+"/") {
				code = s.admin(writeRequest{op: OpDelete, path: all[i], version: -1})
			}
		}
	})
	if code != CodeOK {
		return fmt.Errorf("zktest: remove %s: %w", path, code)
	}
	return nil
}

// SetACL replaces the access control list of a znode without a client. As with
// a client's setACL, no watch fires. An empty list, which clients may not set,
// grants everything to everyone.
func (s *Server) SetACL(path string, acl ...ACL) error {
	code := CodeBadArguments
	s.do(func() {
		if !slices.ContainsFunc(acl, func(a ACL) bool { return a.Scheme == "auth" }) { // it needs a client's identity
			code = s.admin(writeRequest{op: OpSetACL, path: path, acl: acl, version: -1})
		}
	})
	if code != CodeOK {
		return fmt.Errorf("zktest: set the ACL of %s: %w", path, code)
	}
	return nil
}

// admin executes one transaction for the test itself.
func (s *Server) admin(w writeRequest) Code {
	zxid := s.nextZxid()
	ch, code := s.prepare(nil, w, zxid, s.stamp())
	if code == CodeOK {
		s.commit(ch, 0)
	}
	return code
}
