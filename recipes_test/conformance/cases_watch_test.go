package conformance

import "fmt"

func watchCases() []frameCase {
	exists := func(path string) body { return body{}.str(path).boolean(true) }
	set := func(path string) body { return body{}.str(path).bytes([]byte("x")).i32(-1) }
	gone := func(path string) body { return body{}.str(path).i32(-1) }
	return []frameCase{
		{name: "watches/own session sees the event before the answer", talk: func(k *talk) {
			d := k.dir + "/n"
			k.ask("watch what is not there", opExists, exists(d), "S")
			k.ask("watch the directory", opGetChildren2, exists(k.dir), "CS")
			k.ask("create", opCreate, createBody(d, 0), "s")
			k.ask("watch the data", opGetData, exists(d), "bS")
			k.ask("watch the existence", opExists, exists(d), "S")
			k.ask("set", opSetData, set(d), "S")
			k.ask("watch the data", opGetData, exists(d), "bS")
			k.ask("watch the children", opGetChildren, exists(d), "C")
			k.ask("watch the directory", opGetChildren, exists(k.dir), "C")
			k.ask("delete", opDelete, gone(d), "")
			k.ask("watch data that is not there", opGetData, exists(d), "bS")
			k.ask("create", opCreate, createBody(d, 0), "s")
		}},
		{name: "watches/closing a session", talk: func(k *talk) {
			k.askAs("two", "ephemeral", opCreate, createBody(k.dir+"/e", createEphemeral), "s")
			k.ask("watch it", opExists, exists(k.dir+"/e"), "S")
			k.ask("watch the directory", opGetChildren, exists(k.dir), "C")
			k.askAs("two", "close", opCloseSession, nil, "")
			k.askAs("two", "anything after that", opPing, nil, "")
			k.ask("ping", opPing, nil, "")
			k.ask("stat", opExists, body{}.str(k.dir).boolean(false), "S")
		}},
		{name: "watches/setWatches", talk: func(k *talk) {
			d := k.dir
			for _, name := range []string{"same", "changed", "deleted", "parent", "again"} {
				k.ask("create", opCreate, createBody(d+"/"+name, 0), "s")
			}
			since := lastZxid(k.client("one"))
			k.ask("set", opSetData, set(d+"/changed"), "S")
			k.ask("delete", opDelete, gone(d+"/deleted"), "")
			k.ask("create child", opCreate, createBody(d+"/parent/child", 0), "s")
			k.ask("delete", opDelete, gone(d+"/again"), "")
			k.ask("create again", opCreate, createBody(d+"/again", 0), "s")
			all := []string{d + "/same", d + "/changed", d + "/deleted", d + "/parent", d + "/again", d + "/never"}
			k.ask("data watches", opSetWatches, body{}.i64(since).strs(all...).strs().strs(), "")
			k.ask("existence watches", opSetWatches, body{}.i64(since).strs().strs(all...).strs(), "")
			k.ask("child watches", opSetWatches, body{}.i64(since).strs().strs().strs(all...), "")
			for _, path := range all {
				k.ask("set "+path, opSetData, set(path), "S")
				k.ask("child of "+path, opCreate, createBody(path+"/x", 0), "s")
			}
			k.ask("everything, long ago", opSetWatches, body{}.i64(0).strs(all...).strs(all...).strs(all...), "")
			k.ask("create", opCreate, createBody(d+"/never", 0), "s")
			k.ask("odd paths", opSetWatches, body{}.i64(since).strs("", "a", "/a/").strs("", "/a//b").strs("/../x"), "")
			k.ask("null lists", opSetWatches, body{}.i64(since).i32(-1).i32(-1).i32(-1), "")
		}},
		{name: "watches/setWatches2", talk: func(k *talk) {
			d := k.dir
			since := lastZxid(k.client("one"))
			k.ask("create", opCreate, createBody(d+"/p", 0), "s")
			k.ask("all five", opSetWatches2, body{}.i64(since).strs(d).strs(d+"/p").strs(d).strs(d+"/p").strs(d+"/p"), "")
			k.ask("set", opSetData, set(d+"/p"), "S")
			k.ask("child", opCreate, createBody(d+"/p/q", 0), "s")
			k.ask("set child", opSetData, set(d+"/p/q"), "S")
		}},
		{name: "watches/addWatch", talk: func(k *talk) {
			d := k.dir
			k.ask("persistent", opAddWatch, body{}.str(d).i32(modePersistent), "i")
			k.ask("recursive", opAddWatch, body{}.str(d+"/r").i32(modeRecursive), "i")
			k.ask("no such mode", opAddWatch, body{}.str(d).i32(2), "i")
			k.ask("odd path", opAddWatch, body{}.str("a//").i32(0), "i")
			for round := range 2 {
				k.ask(fmt.Sprintf("create r, round %d", round), opCreate, createBody(d+"/r", 0), "s")
				k.ask("create r/a", opCreate, createBody(d+"/r/a", 0), "s")
				k.ask("set r/a", opSetData, set(d+"/r/a"), "S")
				k.ask("set the directory", opSetData, set(d), "S")
				k.ask("delete r/a", opDelete, gone(d+"/r/a"), "")
				k.ask("delete r", opDelete, gone(d+"/r"), "")
			}
			k.ask("one-shot beside the persistent", opGetChildren, exists(d), "C")
			k.ask("create r", opCreate, createBody(d+"/r", 0), "s")
			k.ask("remove all", opRemoveWatches, body{}.str(d).i32(watchAny), "")
			k.ask("remove all again", opRemoveWatches, body{}.str(d).i32(watchAny), "")
			k.ask("set the directory", opSetData, set(d), "S")
		}},
		{name: "watches/the newest kind at a path", talk: func(k *talk) {
			d := k.dir
			k.ask("recursive", opAddWatch, body{}.str(d).i32(modeRecursive), "i")
			k.ask("one-shot in its place", opGetData, exists(d), "bS")
			k.ask("create a", opCreate, createBody(d+"/a", 0), "s")
			k.ask("set", opSetData, set(d), "S")
			k.ask("set, no event", opSetData, set(d), "S")
			k.ask("persistent", opAddWatch, body{}.str(d).i32(modePersistent), "i")
			k.ask("recursive in its place", opAddWatch, body{}.str(d).i32(modeRecursive), "i")
			k.ask("create b", opCreate, createBody(d+"/b", 0), "s")
			k.ask("persistent again", opAddWatch, body{}.str(d).i32(modePersistent), "i")
			k.ask("create c", opCreate, createBody(d+"/c", 0), "s")
			k.ask("remove the data's", opRemoveWatches, body{}.str(d).i32(watchData), "")
			k.ask("set, no event", opSetData, set(d), "S")
			k.ask("create e", opCreate, createBody(d+"/e", 0), "s")
		}},
		{name: "watches/removeWatches", talk: func(k *talk) {
			d := k.dir
			for _, kind := range []int32{watchChildren, watchData, watchAny, 0, 4, 5, 99} {
				k.ask(fmt.Sprintf("check type %d without a watch", kind), opCheckWatches, body{}.str(d).i32(kind), "")
				k.ask(fmt.Sprintf("remove type %d without a watch", kind), opRemoveWatches, body{}.str(d).i32(kind), "")
			}
			k.ask("watch data", opGetData, exists(d), "bS")
			k.ask("watch children", opGetChildren, exists(d), "C")
			k.ask("watch existence", opExists, exists(d+"/no"), "S")
			k.ask("check data", opCheckWatches, body{}.str(d).i32(watchData), "")
			k.ask("remove children", opRemoveWatches, body{}.str(d).i32(watchChildren), "")
			k.ask("remove children again", opRemoveWatches, body{}.str(d).i32(watchChildren), "")
			k.ask("create, no event", opCreate, createBody(d+"/c", 0), "s")
			k.ask("set, event", opSetData, set(d), "S")
			k.ask("remove existence", opRemoveWatches, body{}.str(d+"/no").i32(watchData), "")
			k.ask("create, no event", opCreate, createBody(d+"/no", 0), "s")
			k.ask("other session's watch", opGetData, exists(d), "bS")
			k.askAs("two", "cannot be removed", opRemoveWatches, body{}.str(d).i32(watchData), "")
			k.ask("set, event", opSetData, set(d), "S")
		}},
		{name: "watches/only for those who may read", talk: func(k *talk) {
			d := k.dir
			secret := func(path string) body { return body{}.str(path).bytes(nil).acl("digest:nobody:x").i32(0) }
			arm := func() {
				k.askAs("two", "watch n", opExists, exists(d+"/n"), "S")
				k.askAs("two", "watch the directory", opGetChildren, exists(d), "C")
			}
			ping := func() { k.askAs("two", "ping", opPing, nil, "") }
			arm()
			k.ask("create n, secret", opCreate, secret(d+"/n"), "s")
			ping()
			arm()
			k.ask("delete n", opDelete, gone(d+"/n"), "")
			ping()
			k.ask("create n, open", opCreate, createBody(d+"/n", 0), "s")
			ping()
			arm()
			k.askAs("two", "watch its data", opGetData, exists(d+"/n"), "bS")
			k.ask("make n secret", opSetACL, body{}.str(d+"/n").acl("digest:nobody:x").i32(-1), "S")
			k.ask("delete n", opDelete, gone(d+"/n"), "")
			ping()
			arm()
			k.ask("make the directory write-only", opSetACL, body{}.str(d).i32(1).i32(permissionsAll&^1).str("world").str("anyone").i32(-1), "S")
			k.ask("create n, open", opCreate, createBody(d+"/n", 0), "s")
			ping()
			k.ask("set n", opSetData, set(d+"/n"), "S")
			ping()
			k.ask("delete n", opDelete, gone(d+"/n"), "")
			ping()
		}},
		{name: "watches/set again by one who may not read", talk: func(k *talk) {
			d := k.dir
			since := lastZxid(k.client("one"))
			k.ask("create n, secret", opCreate, body{}.str(d+"/n").bytes(nil).acl("digest:nobody:x").i32(0), "s")
			k.askAs("two", "setWatches", opSetWatches, body{}.i64(since).strs(d+"/n").strs(d+"/n").strs(d+"/n"), "")
			k.ask("delete n", opDelete, gone(d+"/n"), "")
			k.askAs("two", "ping", opPing, nil, "")
		}},
	}
}
