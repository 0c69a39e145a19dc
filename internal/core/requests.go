package core

import (
	"fmt"
	"slices"
	"strings"

	"github.com/docent-go/docent/internal/conn"
	"github.com/docent-go/docent/internal/wire"
)

// The requests that several calls send. Paths are relative to the root, as for
// the caller.

func (s *Session) getRequest(path string, watch bool) request[node] {
	abs := s.abs(path)
	return request[node]{
		frame: func() []byte { return wire.Read(wire.OpGetData, abs, false) },
		parse: func(body []byte) (node, error) {
			data, stat, err := wire.DataOf(body)
			return node{data, Stat(stat)}, err
		},
		queue: s.watches.watching(watchKey{abs, dataWatch}, wire.OpGetData, watch),
	}
}

func (s *Session) existsRequest(path string, watch bool) request[presence] {
	abs := s.abs(path)
	return request[presence]{
		frame: func() []byte { return wire.Read(wire.OpExists, abs, false) },
		parse: func(body []byte) (presence, error) {
			stat, err := wire.StatOf(body)
			return presence{stat: Stat(stat), found: true}, err
		},
		known: func(code wire.Code) (presence, bool) {
			// The server checks whether the node exists before it checks the right.
			hidden := code == wire.CodeNoAuth
			return presence{found: hidden, hidden: hidden}, hidden || code == wire.CodeNoNode
		},
		queue: s.watches.watching(watchKey{abs, dataWatch}, wire.OpExists, watch),
	}
}

func (s *Session) childrenRequest(path string, watch bool) request[listing] {
	abs := s.abs(path)
	return request[listing]{
		frame: func() []byte { return wire.Read(wire.OpGetChildren2, abs, false) },
		parse: func(body []byte) (listing, error) {
			names, stat, err := wire.ChildrenOf(body)
			return listing{names, Stat(stat)}, err
		},
		queue: s.watches.watching(watchKey{abs, childWatch}, wire.OpGetChildren2, watch),
	}
}

func (s *Session) setRequest(path string, data []byte, version int32) request[Stat] {
	abs := s.abs(path)
	return request[Stat]{
		frame: func() []byte { return wire.SetData(abs, data, version) },
		parse: func(body []byte) (Stat, error) {
			stat, err := wire.StatOf(body)
			return Stat(stat), err
		},
	}
}

func (s *Session) deleteRequest(path string, version int32) request[struct{}] {
	abs := s.abs(path)
	return request[struct{}]{
		frame: func() []byte { return wire.Delete(abs, version) },
		parse: nothing,
		track: func() func(*conn.Call) { return s.own.trackDelete(abs) },
	}
}

// createdNode is the result of a create.
type createdNode struct {
	path string // below the root
	stat Stat   // zero if it was not requested
}

// createRequest creates a node at a full path. With withStat, the answer has
// the stat too.
func (s *Session) createRequest(abs string, data []byte, mode Mode, withStat bool, more ...ACL) request[createdNode] {
	acl := wireACL(s.m.cfg.ACL, more)
	op := wire.OpCreate
	switch {
	case mode == Container:
		op = wire.OpCreateContainer
	case withStat:
		op = wire.OpCreate2
	}
	made := func(body []byte) (string, wire.Stat, error) {
		path, stat, err := wire.Created(op, body)
		if err == nil {
			err = createdAs(path, abs, mode)
		}
		return path, stat, err
	}
	r := request[createdNode]{
		frame: func() []byte { return wire.Create(op, abs, data, acl, int32(mode)) },
		parse: func(body []byte) (createdNode, error) {
			path, stat, err := made(body)
			return createdNode{s.rel(path), Stat(stat)}, err
		},
	}
	if mode.ephemeral() {
		r.track = func() func(*conn.Call) {
			return s.own.trackCreate(abs, func(body []byte) (string, error) {
				path, _, err := made(body)
				return path, err
			})
		}
	}
	return r
}

// createdAs checks the path in the answer to a create at the full path asked. A
// sequential node has a number of ten characters or more after it. Otherwise the session would take
// another node for its own: delete it, and hold a lock by it.
func createdAs(path, asked string, mode Mode) error {
	number, ok := strings.CutPrefix(path, asked)
	if mode.sequential() {
		digits := strings.TrimPrefix(number, "-")
		ok = ok && len(number) >= 10 && strings.Trim(digits, "0123456789") == ""
	} else {
		ok = ok && number == ""
	}
	if !ok {
		return fmt.Errorf("the server's answer to a create of %.300q has the path %.300q", asked, path)
	}
	return nil
}

// wireACL concatenates lists of entries.
func wireACL(lists ...[]ACL) []wire.ACL {
	all := slices.Concat(lists...)
	acl := make([]wire.ACL, len(all))
	for i, a := range all {
		acl[i] = wire.ACL(a)
	}
	return acl
}
