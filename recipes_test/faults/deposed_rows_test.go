package faults

// readRows are answered without a quorum.
func readRows() []row {
	return []row{
		{"ping", opPing, nil, "0", "0"},
		{"sync", opSync, bytesOf("/open"), "0", "0"},
		{"exists", opExists, bytesOf("/open", false), "0", "0"},
		{"exists: no node", opExists, bytesOf("/none", true), "-101", "-101"},
		{"getData", opGetData, bytesOf("/open", true), "0", "0"},
		{"getData: no node", opGetData, bytesOf("/none", false), "-101", "-101"},
		{"getData: no right", opGetData, bytesOf("/closed", false), "-102", "-102"},
		{"getACL", opGetACL, bytesOf("/open"), "0", "0"},
		{"getChildren", opGetChildren, bytesOf("/open", true), "0", "0"},
		{"getChildren2", opGetChildren2, bytesOf("/open", true), "0", "0"},
		{"getEphemerals", opGetEphemeral, bytesOf("/"), "0", "0"},
		{"getAllChildrenNumber", opCountAll, bytesOf("/"), "0", "0"},
		{"multiRead", opMultiRead, parts(part(opGetData, "/open", false)), "0", "0"},
		{"whoAmI", opWhoAmI, nil, "0", "0"},
		{"addWatch", opAddWatch, bytesOf("/open", 1), "0", "0"},
		{"setWatches", opSetWatches, bytesOf(int64(0), 0, 0, 0), "0", "0"},
		{"setWatches2", opSetWatches2, bytesOf(int64(0), 0, 0, 0, 0, 0), "0", "0"},
		{"checkWatches: none", opCheckWatches, bytesOf("/nothing", 3), "-121", "-121"},
		{"removeWatches: none", opRemoveWatches, bytesOf("/open", 3), "-121", "-121"},
		{"auth", opAuth, bytesOf(0, "digest", []byte("a:b")), "0", "0"},
		{"auth: unknown scheme", opAuth, bytesOf(0, "nothing", []byte("a:b")), "-115", "-115"},
		{"read that cannot be decoded", opGetData, nil, "-5", "-5"},
		{"unknown kind of request", opUnknown, nil, "-6", "-6"},
	}
}

// writeRows need a quorum. They come after all rows that need the nodes
// unchanged.
func writeRows() []row {
	return []row{
		{"create", opCreate, bytesOf("/new", []byte{}, everybody, 0), "0", silence},
		{"create ephemeral sequential", opCreate, bytesOf("/new", []byte{}, everybody, 3), "0", silence},
		{"create2", opCreate2, bytesOf("/new2", []byte{}, everybody, 0), "0", silence},
		{"createContainer", opCreateContainer, bytesOf("/new3", []byte{}, everybody, 4), "0", silence},
		{"setData", opSetData, bytesOf("/open", []byte("new"), -1), "0", silence},
		{"setACL", opSetACL, bytesOf("/open", everybody, -1), "0", silence},
		{"delete", opDelete, bytesOf("/open/child", -1), "0", silence},
		{"multi of one check", opMulti, parts(part(opCheck, "/open", -1)), "0 0", silence},
		{"multi of one create", opMulti, parts(part(opCreate, "/new4", []byte{}, everybody, 0)), "0 0", silence},
		{"multi of nothing", opMulti, parts(), "0 -1", silence},
		{"closeSession", opCloseSession, nil, "0", silence},
	}
}

// refusedRows have each code that the session accepts as a proof: -101 to -111.
// PrepRequestProcessor makes a transaction of the refusal, which is proposed
// like any other.
//
// The session accepts no other refusal as a proof, although a quorum has also
// committed the rows with -6, -8, -114, -123 and -125. Some codes are not
// provoked, and are no proofs either: -13 and -14 need a reconfiguration under
// way, -119 a read-only server, -120 local sessions. -124 needs an enforced
// authentication, and the server answers it before it proposes a transaction
// (ZooKeeperServer.processPacket).
//
// refusedRows omits requests that no client library sends and a real ensemble
// does not survive. A check outside of a multi stays in the log of 3.8.0, which
// no server can read then; 3.9.3 answers it with -6, like any unknown kind. An
// undecodable write takes the zxid of the transaction before it: a multi on
// 3.8.0, any write on 3.9.3. There, a client's deleteContainer does the same.
func refusedRows() []row {
	return []row{
		{"create: exists", opCreate, bytesOf("/open", []byte{}, everybody, 0), "-110", silence},
		{"create: no parent", opCreate, bytesOf("/none/x", []byte{}, everybody, 0), "-101", silence},
		{"create: no right", opCreate, bytesOf("/closed/x", []byte{}, everybody, 0), "-102", silence},
		{"create: path invalid", opCreate, bytesOf("no path", []byte{}, everybody, 0), "-8", silence},
		{"create: path with a zero", opCreate, bytesOf("/a\x00", []byte{}, everybody, 0), "-8", silence},
		{"create: flags invalid", opCreate, bytesOf("/x", []byte{}, everybody, 99), "-8", silence},
		{"create: no rights in the list", opCreate, bytesOf("/x", []byte{}, 0, 0), "-114", silence},
		{"create: unknown scheme in the list", opCreate, bytesOf("/x", []byte{}, bytesOf(1, 31, "nothing", "x"), 0), "-114", silence},
		{"createTTL where it is off", opCreateTTL, bytesOf("/x", []byte{}, everybody, 5, int64(1000)), "-6", silence},
		{"create: below an ephemeral node", opCreate, bytesOf("/ephemeral/x", []byte{}, everybody, 0), "-108", silence},
		{"create: quota", opCreate, bytesOf("/quota/x", []byte{}, everybody, 0), "-125", silence},
		{"setData: quota", opSetData, bytesOf("/quota", []byte("more than ten bytes"), -1), "-125", silence},
		{"setData: version", opSetData, bytesOf("/open", []byte{}, 77), "-103", silence},
		{"setData: no node", opSetData, bytesOf("/none", []byte{}, -1), "-101", silence},
		{"setData: no right", opSetData, bytesOf("/closed", []byte{}, -1), "-102", silence},
		{"setData: path invalid", opSetData, bytesOf("no path", []byte{}, -1), "-8", silence},
		{"setACL: version", opSetACL, bytesOf("/open", everybody, 77), "-103", silence},
		{"setACL: list invalid", opSetACL, bytesOf("/open", bytesOf(1, 31, "nothing", "x"), -1), "-114", silence},
		{"setACL: no right", opSetACL, bytesOf("/closed", everybody, -1), "-102", silence},
		{"delete: version", opDelete, bytesOf("/open/child", 77), "-103", silence},
		{"delete: not empty", opDelete, bytesOf("/open", -1), "-111", silence},
		{"delete: no node", opDelete, bytesOf("/none", -1), "-101", silence},
		{"delete: reserved", opDelete, bytesOf("/zookeeper", -1), "-8", silence},
		{"delete of the root", opDelete, bytesOf("/", -1), "-8", silence},
		{"multi of one check: version", opMulti, parts(part(opCheck, "/open", 77)), "0 -103", silence},
		{"multi of one check: no node", opMulti, parts(part(opCheck, "/none", -1)), "0 -101", silence},
		{"multi of one check: no right", opMulti, parts(part(opCheck, "/closed", -1)), "0 -102", silence},
		{"multi of one create: exists", opMulti, parts(part(opCreate, "/open", []byte{}, everybody, 0)), "0 -110", silence},
		{"reconfig where it is off", opReconfig, bytesOf(-1, -1, "", int64(-1)), "-123", silence},
	}
}
