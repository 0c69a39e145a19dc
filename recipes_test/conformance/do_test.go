package conformance

import (
	"fmt"
	"time"

	"github.com/go-zookeeper/zk"
)

// do runs one request on this side.
func (w *world) do(s step) outcome {
	conn := w.clients[s.who].conn
	target := w.resolve(s)
	var o outcome
	switch s.kind {
	case "create":
		w.create(conn, s, &o)
	case "delete":
		o.err = conn.Delete(target, w.version(conn, s, target))
	case "set":
		var stat *zk.Stat
		stat, o.err = conn.Set(target, s.data, w.version(conn, s, target))
		o.statUnlessError(stat)
	case "get":
		w.get(conn, s, target, &o)
	case "exists":
		w.exists(conn, s, target, &o)
	case "children":
		w.children(conn, s, target, &o)
	case "getACL":
		var acl []zk.ACL
		var stat *zk.Stat
		acl, stat, o.err = conn.GetACL(target)
		if o.err == nil {
			o.add("acl", "%s", aclText(acl))
		}
		o.statUnlessError(stat)
	case "setACL":
		var stat *zk.Stat
		stat, o.err = conn.SetACL(target, acls[s.acl].list, w.aclVersion(conn, s, target))
		o.statUnlessError(stat)
	case "auth":
		o.err = conn.AddAuth("digest", []byte(s.user))
	case "sync":
		var path string
		path, o.err = conn.Sync(target)
		o.add("path", "%s", w.relative(path))
	case "multi":
		w.multi(conn, s, &o)
	default:
		o.err = fmt.Errorf("no such step: %s", s.kind)
	}
	return o
}

func (o *outcome) statUnlessError(stat *zk.Stat) {
	if o.err == nil {
		o.addStat("stat", stat)
	}
}

func (w *world) create(conn *zk.Conn, s step, o *outcome) {
	target, acl := w.createPath(s), acls[s.acl].list
	var created string
	switch f := flags(s.mode); f {
	case zk.FlagContainer:
		created, o.err = conn.CreateContainer(target, s.data, f, acl)
	case zk.FlagTTL, zk.FlagPersistentSequentialWithTTL:
		created, o.err = conn.CreateTTL(target, s.data, f, acl, time.Minute)
	default:
		created, o.err = conn.Create(target, s.data, f, acl)
	}
	o.add("created", "%s", w.relative(created))
	w.keep(s, created)
}

func (w *world) get(conn *zk.Conn, s step, target string, o *outcome) {
	var data []byte
	var stat *zk.Stat
	if s.watch {
		data, stat, _, o.err = conn.GetW(target)
	} else {
		data, stat, o.err = conn.Get(target)
	}
	if o.err == nil {
		o.add("data", "%s", dataText(data))
	}
	o.statUnlessError(stat)
}

func (w *world) exists(conn *zk.Conn, s step, target string, o *outcome) {
	var there bool
	var stat *zk.Stat
	if s.watch {
		there, stat, _, o.err = conn.ExistsW(target)
	} else {
		there, stat, o.err = conn.Exists(target)
	}
	o.add("exists", "%v", there)
	if there {
		o.statUnlessError(stat)
	}
}

func (w *world) children(conn *zk.Conn, s step, target string, o *outcome) {
	var names []string
	var stat *zk.Stat
	if s.watch {
		names, stat, _, o.err = conn.ChildrenW(target)
	} else {
		names, stat, o.err = conn.Children(target)
	}
	if o.err == nil {
		o.add("children", "%s", sortedText(names))
	}
	o.statUnlessError(stat)
}

func (w *world) multi(conn *zk.Conn, s step, o *outcome) {
	var ops []any
	for _, sub := range s.subs {
		target := w.resolve(sub)
		switch sub.kind {
		case "create":
			ops = append(ops, &zk.CreateRequest{Path: w.createPath(sub), Data: sub.data, Acl: acls[sub.acl].list, Flags: flags(sub.mode)})
		case "delete":
			ops = append(ops, &zk.DeleteRequest{Path: target, Version: w.version(conn, sub, target)})
		case "set":
			ops = append(ops, &zk.SetDataRequest{Path: target, Data: sub.data, Version: w.version(conn, sub, target)})
		case "check":
			ops = append(ops, &zk.CheckVersionRequest{Path: target, Version: w.version(conn, sub, target)})
		}
	}
	results, err := conn.Multi(ops...)
	o.err = err
	for i, r := range results {
		name := fmt.Sprintf("operation %d", i+1)
		o.add(name, "%q %v", w.relative(r.String), r.Error)
		if r.Stat != nil {
			o.addStat(name, r.Stat)
		}
		if err == nil && i < len(s.subs) {
			w.keep(s.subs[i], r.String)
		}
	}
}

// version turns the version in a step into a number, by reading the node first.
// A missing node has no right version: 0 is as good as any.
func (w *world) version(conn *zk.Conn, s step, target string) int32 {
	return resolveVersion(conn, s, target, func(stat *zk.Stat) int32 { return stat.Version })
}

func (w *world) aclVersion(conn *zk.Conn, s step, target string) int32 {
	return resolveVersion(conn, s, target, func(stat *zk.Stat) int32 { return stat.Aversion })
}

func resolveVersion(conn *zk.Conn, s step, target string, present func(*zk.Stat) int32) int32 {
	if s.version == anyVersion {
		return -1
	}
	n := int32(0)
	// An error here is not lost: the request that follows fails with the same
	// error.
	if there, stat, err := conn.Exists(target); err == nil && there {
		n = present(stat)
	}
	if s.version == wrongVersion {
		n += 7
	}
	return n
}
