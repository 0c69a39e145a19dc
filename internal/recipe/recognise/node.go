package recognise

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/docent-go/docent/internal/base/znode"
	"github.com/docent-go/docent/internal/core"
)

// Names of znodes in the layouts of recipes.
const (
	readyName  = "ready" // of a rendezvous
	leasesName = "leases"
	locksName  = "locks"
)

// HistoryDir is the directory beside a config key that holds its former values,
// in a subdirectory with the name of the key.
const HistoryDir = ".history"

// HistoryOf returns the path of the history of the config key at path.
func HistoryOf(path string) string {
	dir, name := znode.Split(path)
	return znode.Join(znode.Join(dir, HistoryDir), name)
}

// parts describes the znodes of each kind.
var parts = map[Kind]string{
	Lock: "a contender of a lock", RWLock: "a contender of a lock", Latch: "a candidate of an election",
	Call:  "a call for a job that runs once per interval",
	Lease: "a permit of a semaphore", Item: "an item of a queue, or the claim on one", Letter: "a dead letter of a queue",
}

// directories describes a znode that has a child of the kind.
var directories = map[Kind]string{
	Lock: "the directory of a lock", RWLock: "the directory of a lock", Latch: "the directory of an election",
	Lease: "the directory of a semaphore", Item: "the directory of a queue", Letter: "the directory of a queue",
}

// Node describes the znode if its name, its data and its stat make that
// certain, and returns "" otherwise. It sends no request.
func Node(path string, data []byte, stat core.Stat) string {
	dir, name := znode.Split(path)
	switch what := parts[KindOf(name)]; {
	case stat.EphemeralOwner != 0 && what != "":
		return fmt.Sprintf("it belongs to the session %v: %s", core.SessionID(stat.EphemeralOwner), what)
	case stat.EphemeralOwner != 0:
		return fmt.Sprintf("it belongs to the session %v", core.SessionID(stat.EphemeralOwner))
	case what != "":
		return "it is " + what
	case isDubbo(dir, name):
		return "it is an instance of a service"
	case stat.NumChildren > 0 && !IsRecord(data):
		return ""
	}
	return byData(name, data)
}

// Made describes a znode if its name makes it certain that another recipe creates
// it, and returns "" otherwise. No config key gets such a name.
func Made(path string) string {
	dir, name := znode.Split(path)
	switch what := parts[KindOf(name)]; {
	case what != "":
		return "it has the name of " + strings.TrimPrefix(what, "it is ")
	case isDubbo(dir, name):
		return "it has the name of an instance of a service"
	}
	return ""
}

// isDubbo reports whether the name is an instance's in Dubbo's layout, which
// puts everything into the name.
func isDubbo(dir, name string) bool {
	_, above := znode.Split(dir)
	return strings.Contains(name, "%3A%2F%2F") && (above == "providers" || above == "consumers")
}

func byData(name string, data []byte) string {
	fields := object(data)
	text := func(field string) (s string) {
		_ = json.Unmarshal(fields[field], &s) // another type is not the name
		return s
	}
	switch {
	case IsGate(data):
		return gateText
	case IsRecord(data):
		return recordText
	case name == readyName && only(fields, "round", "members"):
		return "it is the round of a rendezvous"
	case text("id") == name && text("name") != "" && fields["registrationTimeUTC"] != nil && fields["serviceType"] != nil:
		return "it is an instance of the service " + text("name")
	}
	return ""
}

// Foreign returns core.ErrForeign if data, which a directory holds, is a gate or
// the record of a job. These recipes need the path for themselves.
func Foreign(data []byte) error {
	switch {
	case IsGate(data):
		return core.Foreign("%s", gateText)
	case IsRecord(data):
		return core.Foreign("%s", recordText)
	}
	return nil
}

// What Node says of a gate and of a record.
const (
	gateText   = `it is a gate, which "docent barrier lift" opens`
	recordText = `it is the record of a job that "docent once" runs`
)

// IsGate reports whether data is what Docent writes into a gate: its host and
// its process id, and nothing else.
func IsGate(data []byte) bool {
	fields := object(data)
	var host string
	var pid int
	return only(fields, "host", "pid") && json.Unmarshal(fields["host"], &host) == nil && host != "" &&
		json.Unmarshal(fields["pid"], &pid) == nil && pid > 0
}

// IsRecord reports whether data is the record of the newest run of a job that
// runs once per interval.
func IsRecord(data []byte) bool {
	fields := object(data)
	var state, run string
	_ = json.Unmarshal(fields["once"], &state) // another type is not a state
	_ = json.Unmarshal(fields["run"], &run)
	return state == "never" && len(fields) == 1 || slices.Contains([]string{"running", "done", "failed"}, state) && isCall(run)
}

// object returns the fields of a JSON object, or nil for anything else.
func object(data []byte) map[string]json.RawMessage {
	var fields map[string]json.RawMessage
	if len(data) == 0 || data[0] != '{' || json.Unmarshal(data, &fields) != nil {
		return nil
	}
	return fields
}

// only reports whether the object has exactly these fields.
func only(fields map[string]json.RawMessage, names ...string) bool {
	for _, field := range names {
		if _, found := fields[field]; !found {
			return false
		}
	}
	return len(fields) == len(names)
}

// Directory describes a znode without data if the names of its children make
// that certain, and returns "" otherwise. Path recognises more, with requests.
func Directory(children []string) string {
	among := func(all ...string) bool {
		return !slices.ContainsFunc(children, func(name string) bool { return !slices.Contains(all, name) })
	}
	has := func(all ...string) bool {
		return !slices.ContainsFunc(all, func(name string) bool { return !slices.Contains(children, name) })
	}
	for _, name := range children {
		if what := directories[KindOf(name)]; what != "" {
			return "it is " + what
		}
	}
	switch {
	case has(leasesName) && among(leasesName, locksName):
		return "it is the directory of a semaphore"
	case has("items") && len(children) > 1 && among("items", "claims", "dead", "guards"),
		has("entries") && len(children) > 1 && among("entries", "taken", "dead", "guards"):
		return "it is the directory of a queue"
	}
	return ""
}

// IsNumber reports whether data may be the number of a counter of 4 or 8 bytes:
// its upper half is all zeros or all ones, as in a number small for its length.
// A binary config key may look the same; no text does.
func IsNumber(data []byte) bool {
	n := len(data)
	if n != 4 && n != 8 {
		return false
	}
	upper := string(data[:n/2])
	return upper == strings.Repeat("\x00", n/2) || upper == strings.Repeat("\xff", n/2)
}
