package conformance

import (
	"bytes"
	"fmt"
)

func protocolCases() []frameCase {
	return []frameCase{
		{name: "protocol/zxids of answers", talk: func(k *talk) {
			d := k.dir
			k.ask("ping", opPing, nil, "")
			k.ask("read", opGetData, body{}.str(d).boolean(false), "bS")
			k.ask("write", opSetData, body{}.str(d).bytes(nil).i32(-1), "S")
			k.ask("write that fails", opSetData, body{}.str(d).bytes(nil).i32(77), "S")
			k.ask("write to nothing", opSetData, body{}.str(d+"/no").bytes(nil).i32(-1), "S")
			k.ask("read of nothing", opGetData, body{}.str(d+"/no").boolean(false), "bS")
			k.ask("sync", opSync, body{}.str(d), "s")
			// The real server never answers a check outside of a multi that
			// succeeds: only failing checks are compared.
			k.ask("check that fails", opCheck, body{}.str(d).i32(77), "S")
			k.fresh() // 3.9 hangs up
			k.ask("setACL", opSetACL, body{}.str(d).acl(worldOpen).i32(-1), "S")
			k.ask("setACL that fails", opSetACL, body{}.str(d).acl(worldOpen).i32(77), "S")
			k.ask("delete that fails", opDelete, body{}.str(d).i32(77), "")
			k.ask("a failing multi", opMulti, body{}.opHeader(opCheck).str(d).i32(77).opEnd(), "M")
			k.ask("a multi of checks", opMulti, body{}.opHeader(opCheck).str(d).i32(-1).opEnd(), "M")
			k.askAs("two", "a new session counts", opPing, nil, "")
			k.askAs("two", "write", opSetData, body{}.str(d).bytes(nil).i32(-1), "S")
			k.askAs("two", "close", opCloseSession, nil, "")
			k.ask("write", opSetData, body{}.str(d).bytes(nil).i32(-1), "S")
		}},
		{name: "protocol/versions", talk: func(k *talk) {
			d := k.dir
			for _, version := range []int32{0, 0, 1, -1, 3, 2, -2, 1 << 30} {
				k.ask(fmt.Sprintf("set version %d", version), opSetData, body{}.str(d).bytes(nil).i32(version), "S")
				k.ask(fmt.Sprintf("setACL version %d", version), opSetACL, body{}.str(d).acl(worldOpen).i32(version), "S")
				k.ask(fmt.Sprintf("check version %d", version), opMulti, body{}.opHeader(opCheck).str(d).i32(version).opEnd(), "M")
			}
			k.ask("create", opCreate, createBody(d+"/c", 0), "s")
			k.ask("not empty", opDelete, body{}.str(d).i32(-1), "")
			k.ask("not empty and the wrong version", opDelete, body{}.str(d).i32(77), "")
			k.ask("delete, version -2", opDelete, body{}.str(d+"/c").i32(-2), "")
			k.ask("delete", opDelete, body{}.str(d+"/c").i32(0), "")
			k.ask("delete again", opDelete, body{}.str(d+"/c").i32(0), "")
		}},
		{name: "protocol/operations by number", talk: func(k *talk) {
			for _, op := range []int32{opNoSuchOperation, 0, 10, 23, 99, 108, -2, -12, opError, opSASL} {
				k.ask(fmt.Sprintf("operation %d", op), op, nil, "")
				k.note("then", k.client("one").until(0, ""))
				k.fresh()
			}
			k.ask("reconfig", opReconfig, body{}.i32(-1).i32(-1).i32(-1).i64(-1), "bS")
			k.ask("still here", opPing, nil, "")
		}},
		{name: "protocol/createSession by a client", talk: func(k *talk) {
			for _, request := range []body{nil, bytes.Repeat([]byte{0xff}, 3), body{}.i32(30_000), body{}.i32(20_000).i64(0)} {
				k.note(fmt.Sprintf("createSession with %d bytes", len(request)), k.client("one").openAgain(request))
				k.ask("still here", opPing, nil, "")
			}
		}},
		{name: "protocol/a login without SASL", talk: func(k *talk) {
			k.ask("no token", opSASL, body{}.bytes(nil), "b")
			k.fresh()
			k.ask("empty token", opSASL, body{}.bytes([]byte{}), "b")
			k.ask("some token", opSASL, body{}.bytes([]byte("x")), "b")
			k.ask("still here", opPing, nil, "")
			k.ask("who am I", opWhoAmI, nil, "I")
		}},
		{name: "protocol/a body of ones", talk: func(k *talk) {
			for _, op := range []int32{
				opCreate, opDelete, opExists, opGetData, opSetData, opGetACL, opSetACL, opGetChildren, opSync, opGetChildren2, opCheck, opMulti, opCreate2,
				opCheckWatches, opRemoveWatches, opCreateContainer, opDeleteContainer, opCreateTTL, opMultiRead, opAuth, opSetWatches, opSASL, opGetEphemerals,
				opGetAllChildren, opSetWatches2, opAddWatch, opWhoAmI, opPing, opReconfig, opError, 99, 108,
			} {
				for _, size := range []int{1, 4, 8, 64} {
					k.hostile(fmt.Sprintf("operation %d, %d bytes", op, size), op, bytes.Repeat([]byte{0xff}, size), "*")
				}
			}
		}},
		{name: "protocol/requests cut short", talk: func(k *talk) {
			for _, op := range []int32{
				opCreate, opDelete, opExists, opGetData, opSetData, opGetACL, opSetACL, opGetChildren, opSync, opGetChildren2, opCheck, opCreate2, opCreateContainer,
				opCreateTTL, opAuth, opSetWatches,
			} {
				k.hostile(fmt.Sprintf("operation %d without a body", op), op, nil, "")
				k.hostile(fmt.Sprintf("operation %d with a path longer than the frame", op), op, body{}.i32(1000), "")
				k.hostile(fmt.Sprintf("operation %d with a null path", op), op, body{}.i32(-1).i32(0).i32(0).i32(0).i32(0).i32(0), "")
			}
		}},
		{name: "protocol/headers cut short", talk: func(k *talk) {
			for size := range 8 {
				c := k.client("one")
				if err := c.write(make(body, size)); err != nil {
					k.note("header", problem(err))
				}
				k.note(fmt.Sprintf("header of %d bytes", size), c.until(0, ""))
				k.fresh()
			}
		}},
		{name: "protocol/lengths that lie", talk: func(k *talk) {
			for _, n := range []int32{-2, -1 << 31, 1 << 30, 1<<31 - 1} {
				say := func(what string) string { return fmt.Sprintf("%s %d", what, n) }
				k.hostile(say("path"), opGetData, body{}.i32(n).boolean(false), "")
				k.hostile(say("path, and a rest"), opGetData, body{}.i32(n).str(k.dir).boolean(false), "")
				k.hostile(say("data"), opSetData, body{}.str(k.dir).i32(n).i32(-1), "")
				k.hostile(say("entries"), opSetACL, body{}.str(k.dir).i32(n).i32(-1), "")
				k.hostile(say("entries, and one"), opSetACL, append(body{}.str(k.dir).i32(n), body{}.acl(worldOpen)[4:]...).i32(-1), "")
				k.hostile(say("watches"), opSetWatches, body{}.i64(1).i32(n).i32(0).i32(0), "")
				k.hostile(say("path in a multi"), opMulti, body{}.opHeader(opDelete).i32(n).i32(-1).opEnd(), "M")
				k.hostile(say("secret"), opAuth, body{}.i32(0).str("digest").i32(n), "")
				k.hostile(say("token"), opSASL, body{}.i32(n), "*")
			}
		}},
		{name: "protocol/more than asked for", talk: func(k *talk) {
			k.ask("exists with a tail", opExists, append(body{}.str(k.dir).boolean(false), "tail"...), "S")
			k.ask("ping with a tail", opPing, body("tail"), "")
			k.ask("set with a tail", opSetData, append(body{}.str(k.dir).bytes(nil).i32(-1), "tail"...), "S")
		}},
		{name: "protocol/counting", talk: func(k *talk) {
			d := k.dir
			for _, path := range []string{"/a", "/a/b", "/a/b/c", "/d"} {
				k.ask("create", opCreate, createBody(d+path, 0), "s")
			}
			k.ask("ephemeral", opCreate, createBody(d+"/a/e", createEphemeral), "s")
			k.askAs("two", "ephemeral of another", opCreate, createBody(d+"/a/f", createEphemeral), "s")
			for _, path := range []string{"", "/a", "/a/b", "/a/b/c", "/no"} {
				k.ask("number of all children of "+path, opGetAllChildren, body{}.str(d+path), "i")
				k.ask("ephemerals below "+path, opGetEphemerals, body{}.str(d+path), "C")
			}
			k.ask("ephemerals by prefix", opGetEphemerals, body{}.str(d+"/a/"), "C")
			k.ask("all ephemerals", opGetEphemerals, body{}.str("/"), "C")
		}},
		{name: "protocol/sync", talk: func(k *talk) {
			k.ask("what is there", opSync, body{}.str(k.dir), "s")
			k.ask("what is not", opSync, body{}.str(k.dir+"/no"), "s")
		}},
	}
}
