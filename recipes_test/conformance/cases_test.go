package conformance

import "fmt"

// allFrameCases is the table of conversations.
func allFrameCases() []frameCase {
	var all []frameCase
	all = append(all, pathCases()...)
	all = append(all, createCases()...)
	all = append(all, multiCases()...)
	all = append(all, watchCases()...)
	all = append(all, authCases()...)
	all = append(all, sessionCases()...)
	all = append(all, protocolCases()...)
	all = append(all, differenceCases()...)
	return all
}

// oddPaths are invalid, or look invalid. Each is used below the case's
// directory, and on its own.
var oddPaths = []string{
	"", "/", "a", "//", "/a/", "/a//b", "/.", "/..", "/a/.", "/a/..", "/./a", "/../a", "/a/./b", "/a/../b",
	"/...", "/.a", "/a.", "/a..", "/a...b", "/a..b", "/a .b", "/ ", "/ a", "/a\tb", "/a\nb",
	"/a\x00b", "/\x00", "/a\x01", "/a\x1f", "/a\x20", "/a\x7e", "/a\x7f", "/a\u0080", "/a\u009f", "/a\u00a0", "/ä", "/日本",
	"/a\ud7ff", "/a\ue000", "/a\uf8fe", "/a\uf8ff", "/a\uf900", "/a\uffef", "/a\ufff0", "/a\ufffd", "/a\ufffe", "/a\uffff",
	"/a😀", "/a\xff", "/a\xc3", "/a\xed\xa0\x80",
}

func pathCases() []frameCase {
	with := func(name string, op int32, shape string, request func(path string) body) frameCase {
		return frameCase{name: "odd paths/" + name, talk: func(k *talk) {
			for _, path := range oddPaths {
				ask := func(what, path string) {
					k.ask(fmt.Sprintf("%s %q", what, path), op, request(path), shape)
					if op == opCheck {
						k.fresh() // 3.9 hangs up
					}
				}
				ask(name, k.dir+path)
				if path == "" || path[0] != '/' {
					ask(name+" bare", path)
				}
			}
		}}
	}
	return []frameCase{
		with("create", opCreate, "s", func(p string) body { return createBody(p, createEphemeral) }),
		with("create sequential", opCreate, "s", func(p string) body { return createBody(p, createEphemeralSeq) }),
		with("create2", opCreate2, "sS", func(p string) body { return createBody(p, createEphemeral) }),
		with("container", opCreateContainer, "sS", func(p string) body { return createBody(p, createContainer) }),
		with("delete", opDelete, "", func(p string) body { return body{}.str(p).i32(7) }),
		with("exists", opExists, "S", func(p string) body { return body{}.str(p).boolean(false) }),
		with("exists, watch", opExists, "S", func(p string) body { return body{}.str(p).boolean(true) }),
		with("getData", opGetData, "bS", func(p string) body { return body{}.str(p).boolean(false) }),
		with("setData", opSetData, "S", func(p string) body { return body{}.str(p).bytes(nil).i32(7) }),
		with("getChildren", opGetChildren, "C", func(p string) body { return body{}.str(p).boolean(false) }),
		with("getChildren2", opGetChildren2, "CS", func(p string) body { return body{}.str(p).boolean(false) }),
		with("getACL", opGetACL, "AS", func(p string) body { return body{}.str(p) }),
		with("setACL", opSetACL, "S", func(p string) body { return body{}.str(p).acl(worldOpen).i32(7) }),
		// The only request whose path is returned as it was sent. Java writes
		// text that is not Unicode in its own way.
		with("sync", opSync, "*", func(p string) body { return body{}.str(p) }),
		with("check", opCheck, "", func(p string) body { return body{}.str(p).i32(7) }),
		with("multi create", opMulti, "M", func(p string) body {
			return append(body{}.opHeader(opCreate), createBody(p, createEphemeral)...).opEnd()
		}),
		with("multi check", opMulti, "M", func(p string) body { return body{}.opHeader(opCheck).str(p).i32(7).opEnd() }),
		with("removeWatches", opRemoveWatches, "", func(p string) body { return body{}.str(p).i32(watchAny) }),
		with("getEphemerals", opGetEphemerals, "C", func(p string) body { return body{}.str(p) }),
		with("getAllChildrenNumber", opGetAllChildren, "i", func(p string) body { return body{}.str(p) }),
		{name: "reserved nodes", talk: func(k *talk) {
			k.ask("create /", opCreate, createBody("/", createPersistent), "s")
			k.ask("create / sequential", opCreate, createBody(k.dir+"/", createSequential), "s")
			k.ask("delete /", opDelete, body{}.str("/").i32(-1), "")
			k.ask("delete /zookeeper", opDelete, body{}.str("/zookeeper").i32(-1), "")
			k.ask("delete /zookeeper/config", opDelete, body{}.str("/zookeeper/config").i32(-1), "")
			k.ask("children of /zookeeper", opGetChildren, body{}.str("/zookeeper").boolean(false), "C")
			k.ask("create /zookeeper", opCreate, createBody("/zookeeper", createPersistent), "s")
			k.ask("create below /zookeeper", opCreate, createBody("/zookeeper/frames", createEphemeral), "s")
			k.ask("read /zookeeper/config", opGetACL, body{}.str("/zookeeper/config"), "AS")
		}},
	}
}

func createCases() []frameCase {
	flags := []int32{createPersistent, createEphemeral, createSequential, createEphemeralSeq, createContainer, createTTL, createTTLSeq, 7, 8, -1}
	return []frameCase{
		{name: "create/flags", talk: func(k *talk) {
			for _, op := range []int32{opCreate, opCreate2, opCreateContainer} {
				for _, f := range flags {
					k.ask(fmt.Sprintf("operation %d, flags %d", op, f), op, createBody(fmt.Sprintf("%s/n%d-%d", k.dir, op, f), f), createShape(op))
					k.ask("stat", opExists, body{}.str(fmt.Sprintf("%s/n%d-%d", k.dir, op, f)).boolean(false), "S")
				}
			}
			k.ask("directory", opGetChildren2, body{}.str(k.dir).boolean(false), "CS")
		}},
		{name: "create/ttl", talk: func(k *talk) {
			// Some other combinations of flags and TTLs end the real server's
			// process: there is nothing to compare.
			for _, f := range []int32{createTTL, createTTLSeq} {
				for _, ttl := range []int64{60_000, 0, -1, 1 << 60} {
					k.ask(fmt.Sprintf("createTTL flags %d, ttl %d", f, ttl), opCreateTTL,
						createBody(fmt.Sprintf("%s/t%d-%d", k.dir, f, ttl), f).i64(ttl), "sS")
				}
			}
			k.ask("createTTL of a node without", opCreateTTL, createBody(k.dir+"/t", createPersistent).i64(60_000), "sS")
		}},
		{name: "create/parents", talk: func(k *talk) {
			k.ask("no parent", opCreate, createBody(k.dir+"/no/child", createPersistent), "s")
			k.ask("ephemeral", opCreate, createBody(k.dir+"/e", createEphemeral), "s")
			k.ask("below it", opCreate, createBody(k.dir+"/e/child", createPersistent), "s")
			k.ask("sequential below it", opCreate, createBody(k.dir+"/e/child", createEphemeralSeq), "s")
			k.ask("again", opCreate, createBody(k.dir+"/e", createPersistent), "s")
			k.ask("container", opCreateContainer, createBody(k.dir+"/c", createContainer), "sS")
			k.ask("below it", opCreate, createBody(k.dir+"/c/child", createEphemeral), "s")
			k.ask("stat of the container", opExists, body{}.str(k.dir+"/c").boolean(false), "S")
		}},
		{name: "create/deleteContainer by a client", talk: func(k *talk) {
			d := k.dir
			k.ask("container", opCreateContainer, createBody(d+"/c", createContainer), "sS")
			for _, request := range []body{body(d + "/c"), body{}.str(d + "/c"), body{}.str(d + "/no"), body{}.str("/zookeeper"), body{}.i32(-1), nil} {
				k.ask(fmt.Sprintf("delete %d bytes", len(request)), opDeleteContainer, request, "")
				k.fresh() // 3.9 hangs up
				k.ask("children", opGetChildren, body{}.str(d).boolean(false), "C")
			}
		}},
		{name: "create/access control", talk: func(k *talk) {
			for i, acl := range [][]string{
				{}, {"world:anyone"}, {"world:someone"}, {"world:"}, {"ip:127.0.0.1"}, {"ip:127.0.0.0/8"}, {"ip:127.0.0.0/33"}, {"ip:nowhere"},
				{"ip:10.0.0.1"}, {"digest:a:b"}, {"digest:a"}, {"digest:"}, {"digest:a:b:c"}, {"auth:"}, {"auth:anything"}, {"nothing:x"}, {":"}, {"x509:CN=x"},
				{"sasl:x"}, {"super:x"}, {"world:anyone", "world:anyone"}, {"world:anyone", "nothing:x"}, {"ip:127.0.0.1", "auth:"},
			} {
				path := fmt.Sprintf("%s/%d", k.dir, i)
				k.ask(fmt.Sprintf("create with %v", acl), opCreate, body{}.str(path).bytes(nil).acl(acl...).i32(createPersistent), "s")
				k.ask("acl", opGetACL, body{}.str(path), "AS")
				k.ask("data", opGetData, body{}.str(path).boolean(false), "bS")
				k.ask("setACL on the directory", opSetACL, body{}.str(path).acl(acl...).i32(-1), "S")
				k.ask("delete", opDelete, body{}.str(path).i32(-1), "")
			}
		}},
		{name: "create/null list of access control", talk: func(k *talk) {
			k.ask("create", opCreate, body{}.str(k.dir+"/n").bytes(nil).i32(-1).i32(createPersistent), "s")
			k.ask("setACL", opSetACL, body{}.str(k.dir).i32(-1).i32(-1), "S")
		}},
		{name: "create/sequence numbers", talk: func(k *talk) {
			next := func() { k.ask("next", opCreate, createBody(k.dir+"/s-", createSequential), "s") }
			next()
			k.ask("a node without number", opCreate, createBody(k.dir+"/other", createPersistent), "s")
			next()
			k.ask("delete", opDelete, body{}.str(k.dir+"/other").i32(-1), "")
			next()
			k.ask("taken name", opCreate, createBody(k.dir+"/t-0000000004", createPersistent), "s")
			k.ask("sequential of that name", opCreate, createBody(k.dir+"/t-", createSequential), "s")
			k.ask("no name", opCreate, createBody(k.dir+"/", createSequential), "s")
			k.ask("failing multi", opMulti, append(append(body{}.opHeader(opCreate), createBody(k.dir+"/s-", createSequential)...).
				opHeader(opCheck), body{}.str(k.dir+"/no").i32(0)...).opEnd(), "M")
			next()
			k.ask("stat", opExists, body{}.str(k.dir).boolean(false), "S")
		}},
		{name: "create/sizes", talk: func(k *talk) {
			for _, size := range []int{0, 1, 1000, 1 << 20 >> 1} {
				path := fmt.Sprintf("%s/%d", k.dir, size)
				k.ask(fmt.Sprintf("create %d", size), opCreate, body{}.str(path).bytes(make([]byte, size)).acl(worldOpen).i32(0), "s")
				k.ask("get", opGetData, body{}.str(path).boolean(false), "bS")
			}
			k.ask("null data", opCreate, body{}.str(k.dir+"/null").bytes(nil).acl(worldOpen).i32(0), "s")
			k.ask("get", opGetData, body{}.str(k.dir+"/null").boolean(false), "bS")
			k.ask("set null", opSetData, body{}.str(k.dir+"/1").bytes(nil).i32(-1), "S")
			k.ask("get", opGetData, body{}.str(k.dir+"/1").boolean(false), "bS")
			// The limit counts the whole frame: 0xfffff bytes after the length.
			path := k.dir + "/limit"
			request := func(size int) body { return body{}.str(path).bytes(make([]byte, size)).acl(worldOpen).i32(0) }
			largest := 0xfffff - 8 - len(request(0))
			k.ask("largest frame", opCreate, request(largest), "s")
			k.ask("get", opGetData, body{}.str(path).boolean(false), "bS")
			k.ask("one byte more", opCreate, request(largest+1), "s")
		}},
	}
}

func createShape(op int32) string {
	if op == opCreate {
		return "s"
	}
	return "sS"
}
