package conformance

import "fmt"

func multiCases() []frameCase {
	create := func(b body, op int32, path string, flags int32) body {
		return append(b.opHeader(op), createBody(path, flags)...)
	}
	return []frameCase{
		{name: "multi/empty", talk: func(k *talk) {
			k.ask("no operation", opMulti, body{}.opEnd(), "M")
			k.ask("no operation, read", opMultiRead, body{}.opEnd(), "M")
		}},
		{name: "multi/kinds", talk: func(k *talk) {
			d := k.dir
			for _, op := range []int32{opCreate, opCreate2, opCreateContainer} {
				for _, flags := range []int32{createPersistent, createEphemeral, createSequential, createEphemeralSeq, createContainer, 9} {
					k.ask(fmt.Sprintf("operation %d, flags %d", op, flags), opMulti,
						create(nil, op, fmt.Sprintf("%s/k%d-%d", d, op, flags), flags).opEnd(), "M")
				}
			}
			for _, flags := range []int32{createTTL, createTTLSeq} {
				k.ask(fmt.Sprintf("createTTL, flags %d", flags), opMulti,
					create(nil, opCreateTTL, d+"/ttl", flags).i64(60_000).opEnd(), "M")
				k.ask(fmt.Sprintf("create, flags %d", flags), opMulti, create(nil, opCreate, d+"/ttl", flags).opEnd(), "M")
			}
			k.ask("read of the directory", opGetChildren2, body{}.str(d).boolean(false), "CS")
		}},
		{name: "multi/results", talk: func(k *talk) {
			d := k.dir
			k.ask("all kinds", opMulti, create(nil, opCreate, d+"/a", 0).
				opHeader(opSetData).str(d+"/a").bytes([]byte("new")).i32(0).
				opHeader(opCheck).str(d+"/a").i32(1).
				opHeader(opDelete).str(d+"/a").i32(1).opEnd(), "M")
			k.ask("fails last", opMulti, create(nil, opCreate, d+"/a", 0).
				opHeader(opCheck).str(d+"/a").i32(5).opEnd(), "M")
			k.ask("nothing done", opExists, body{}.str(d+"/a").boolean(false), "S")
			k.ask("fails first", opMulti, create(body{}.opHeader(opDelete).str(d+"/no").i32(-1), opCreate, d+"/a", 0).opEnd(), "M")
			k.ask("fails twice", opMulti, body{}.opHeader(opDelete).str(d+"/no").i32(-1).opHeader(opCheck).str(d+"/nor").i32(0).opEnd(), "M")
			k.ask("fails in the middle", opMulti, create(body{}.opHeader(opCheck).str(d).i32(0).
				opHeader(opSetData).str(d).bytes(nil).i32(9), opCreate2, d+"/a", 0).opEnd(), "M")
			k.ask("sees its own effects", opMulti, create(create(nil, opCreate, d+"/p", 0), opCreate, d+"/p/q", createEphemeral).
				opHeader(opDelete).str(d+"/p").i32(-1).opEnd(), "M")
			k.ask("twice the same", opMulti, create(create(nil, opCreate, d+"/p", 0), opCreate, d+"/p", 0).opEnd(), "M")
			k.ask("directory", opGetChildren2, body{}.str(d).boolean(false), "CS")
			k.ask("sequence within", opMulti, create(create(nil, opCreate, d+"/s-", 2), opCreate2, d+"/s-", 3).opEnd(), "M")
			k.ask("directory", opGetChildren2, body{}.str(d).boolean(false), "CS")
			k.ask("one write, several zxids?", opMulti, create(create(nil, opCreate2, d+"/x", 0), opCreate2, d+"/y", 0).opEnd(), "M")
			k.ask("stat x", opExists, body{}.str(d+"/x").boolean(false), "S")
			k.ask("stat y", opExists, body{}.str(d+"/y").boolean(false), "S")
		}},
		{name: "multi/what does not belong", talk: func(k *talk) {
			for _, op := range []int32{opGetData, opGetChildren, opExists, opSync, opSetACL, opMulti, opPing, opNoSuchOperation, -7} {
				k.ask(fmt.Sprintf("operation %d in a multi", op), opMulti, body{}.opHeader(op).str(k.dir).boolean(false).opEnd(), "M")
				k.fresh()
			}
			k.ask("no end", opMulti, body{}.opHeader(opCheck).str(k.dir).i32(0), "M")
			k.fresh()
			k.ask("cut short", opMulti, body{}.opHeader(opCheck).i32(100), "M")
			k.fresh()
			k.ask("nothing at all", opMulti, nil, "M")
		}},
		{name: "multi/absent fields", talk: func(k *talk) {
			d := k.dir
			k.ask("no list of ACLs", opMulti, create(nil, opCreate, d+"/a", 0).
				opHeader(opCreate).str(d+"/n").bytes(nil).i32(-1).i32(createPersistent).opEnd(), "M")
			k.ask("no path to create", opMulti, create(nil, opCreate, d+"/a", 0).
				opHeader(opCreate).i32(-1).bytes(nil).acl(worldOpen).i32(createPersistent).opEnd(), "M")
			k.ask("no path to delete", opMulti, create(nil, opCreate, d+"/a", 0).opHeader(opDelete).i32(-1).i32(-1).opEnd(), "M")
			k.ask("nothing done", opGetChildren2, body{}.str(d).boolean(false), "CS")
		}},
		{name: "multi/events", talk: func(k *talk) {
			d := k.dir
			k.ask("a", opCreate, createBody(d+"/a", 0), "s")
			k.askAs("two", "watch the children", opGetChildren, body{}.str(d).boolean(true), "C")
			k.askAs("two", "watch a", opGetData, body{}.str(d+"/a").boolean(true), "bS")
			k.askAs("two", "watch b", opExists, body{}.str(d+"/b").boolean(true), "S")
			k.ask("change all", opMulti, create(body{}.opHeader(opSetData).str(d+"/a").bytes(nil).i32(-1), opCreate, d+"/b", 0).
				opHeader(opDelete).str(d+"/a").i32(-1).opEnd(), "M")
			k.askAs("two", "ping", opPing, nil, "")
		}},
		{name: "multi/read", talk: func(k *talk) {
			d := k.dir
			k.ask("a", opCreate, createBody(d+"/a", 0), "s")
			k.ask("both", opMultiRead, body{}.opHeader(opGetData).str(d+"/a").boolean(false).
				opHeader(opGetChildren).str(d).boolean(false).opEnd(), "M")
			k.ask("one is missing", opMultiRead, body{}.opHeader(opGetData).str(d+"/no").boolean(false).
				opHeader(opGetChildren).str(d).boolean(false).opEnd(), "M")
			k.ask("with watches", opMultiRead, body{}.opHeader(opGetData).str(d+"/a").boolean(true).
				opHeader(opGetChildren).str(d).boolean(true).opEnd(), "M")
			k.ask("delete", opDelete, body{}.str(d+"/a").i32(-1), "")
			k.ask("a write within", opMultiRead, create(nil, opCreate, d+"/w", 0).opEnd(), "M")
		}},
	}
}
