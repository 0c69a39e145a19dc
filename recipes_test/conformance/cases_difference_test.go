package conformance

import "fmt"

// differenceCases are conversations in which ZooKeeper 3.9 answers differently
// from 3.8. TestRecord records them for the tests of zktest.
func differenceCases() []frameCase {
	secret := func(path string) body { return body{}.str(path).bytes(nil).acl("digest:nobody:x").i32(0) }
	read := func(path string, watch bool) body { return body{}.str(path).boolean(watch) }
	create := func(b body, op int32, path string, flags int32) body {
		return append(b.opHeader(op), createBody(path, flags)...)
	}
	return []frameCase{
		{name: "difference/an event has the zxid of its change", talk: func(k *talk) {
			k.ask("watch the data", opGetData, read(k.dir, true), "bS")
			k.ask("set", opSetData, body{}.str(k.dir).bytes([]byte("x")).i32(-1), "S")
			k.ask("watch the children", opGetChildren, read(k.dir, true), "C")
			k.ask("create", opCreate, createBody(k.dir+"/a", 0), "s")
		}},
		{name: "difference/create2 in a multi has a stat", talk: func(k *talk) {
			k.ask("persistent", opMulti, create(nil, opCreate2, k.dir+"/a", createPersistent).opEnd(), "M")
			k.ask("sequential", opMulti, create(nil, opCreate2, k.dir+"/s-", createSequential).opEnd(), "M")
		}},
		{name: "difference/exists needs the right to read", talk: func(k *talk) {
			k.ask("secret", opCreate, secret(k.dir+"/s"), "s")
			k.ask("exists", opExists, read(k.dir+"/s", false), "S")
			k.ask("exists, watch", opExists, read(k.dir+"/s", true), "S")
		}},
		{name: "difference/a malformed write takes no zxid", talk: func(k *talk) {
			k.ask("delete without a body", opDelete, nil, "")
			k.ask("create, path longer than the frame", opCreate, body{}.i32(1000), "s")
		}},
		{name: "difference/watches of two modes on one path", talk: func(k *talk) {
			k.ask("persistent", opAddWatch, body{}.str(k.dir).i32(modePersistent), "i")
			k.ask("one-shot", opGetData, read(k.dir, true), "bS")
			for range 2 {
				k.ask("set", opSetData, body{}.str(k.dir).bytes(nil).i32(-1), "S")
			}
		}},
		{name: "difference/kinds of watches to remove", talk: func(k *talk) {
			k.ask("persistent", opAddWatch, body{}.str(k.dir).i32(modePersistent), "i")
			for _, kind := range []int32{watchData, watchRecursive, watchPersistent} {
				k.ask(fmt.Sprintf("remove kind %d", kind), opRemoveWatches, body{}.str(k.dir).i32(kind), "")
			}
		}},
		{name: "difference/checkWatches asks whose watch it is", talk: func(k *talk) {
			k.askAs("two", "watch", opGetData, read(k.dir, true), "bS")
			for _, kind := range []int32{watchData, watchAny} {
				k.ask(fmt.Sprintf("check kind %d", kind), opCheckWatches, body{}.str(k.dir).i32(kind), "")
			}
		}},
		{name: "difference/deleteContainer by a client", talk: func(k *talk) {
			k.ask("container", opCreateContainer, createBody(k.dir+"/c", createContainer), "sS")
			for _, path := range []string{"/c", "/no"} {
				k.ask("delete "+path, opDeleteContainer, body{}.str(k.dir+path), "")
				k.fresh()
			}
		}},
		{name: "difference/a check outside of a multi", talk: func(k *talk) {
			for range 2 {
				k.ask("that fails", opCheck, body{}.str(k.dir).i32(7), "")
				k.fresh()
			}
		}},
		{name: "difference/an event that was missed needs the right to read", talk: func(k *talk) {
			k.ask("secret", opCreate, secret(k.dir+"/s"), "s")
			k.ask("existence", opSetWatches, body{}.i64(1).strs().strs(k.dir+"/s").strs(), "")
			k.ask("data", opSetWatches, body{}.i64(1).strs(k.dir+"/s").strs().strs(), "")
		}},
	}
}
