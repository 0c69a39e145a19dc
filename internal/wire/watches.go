package wire

// AddMode is the kind of a watch of AddWatch: how long it lasts, and what it
// covers.
type AddMode int32

// The modes of AddWatch.
const (
	Persistent          AddMode = 0 // the znode and its children, until the watch is removed
	PersistentRecursive AddMode = 1 // the znode and all below it, without events of children
)

// AddWatch sets a watch that events do not use up. ZooKeeper supports it since
// 3.6.
func AddWatch(path string, mode AddMode) []byte {
	e := request(OpAddWatch, StringSize(path)+4)
	e.String(path)
	e.Int32(int32(mode))
	return e.Frame()
}

// WatcherType says which watches of a znode RemoveWatches removes.
type WatcherType int32

// The types of RemoveWatches.
const (
	ChildWatcher WatcherType = 1
	DataWatcher  WatcherType = 2 // the watches of OpGetData and OpExists
	AnyWatcher   WatcherType = 3
)

// RemoveWatches removes watches of the session. ZooKeeper supports it since
// 3.5, and answers -121 (NOWATCHER) if the session has no such watch.
func RemoveWatches(path string, which WatcherType) []byte {
	e := request(OpRemoveWatches, StringSize(path)+4)
	e.String(path)
	e.Int32(int32(which))
	return e.Frame()
}

// Watches are the paths of a session's watches, by kind.
type Watches struct {
	Data, Exist, Child    []string // one-shot watches
	Persistent, Recursive []string
}

// Lasting reports whether there are persistent watches, which SetWatches of servers
// before 3.6 do not know.
func (w Watches) Lasting() bool { return len(w.Persistent)+len(w.Recursive) > 0 }

// SetWatchesHeader is the maximum size of a SetWatches without its paths: the
// request's header, the zxid and the lengths of five vectors.
const SetWatchesHeader = RequestHeader + 8 + 5*4

// SetWatches sets watches again on a new connection. For changes after the
// transaction zxid, the server fires watches at once. Persistent watches are an
// exception: the server sets them and sends no event.
func SetWatches(zxid int64, w Watches) []byte {
	op := OpSetWatches
	if w.Lasting() {
		op = OpSetWatches2
	}
	e := request(op, 256)
	e.Int64(zxid)
	e.Strings(w.Data)
	e.Strings(w.Exist)
	e.Strings(w.Child)
	if w.Lasting() {
		e.Strings(w.Persistent)
		e.Strings(w.Recursive)
	}
	return e.Frame()
}
