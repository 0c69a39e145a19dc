// Package owner is what the recipes write into the znodes of a process, so that
// people see whose they are, and what the recipes and package inspect read from
// there. Other libraries ignore the data.
package owner

import (
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"unicode"
	"unicode/utf8"

	"github.com/docent-go/docent/internal/base/stamp"
	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/internal/recipe/standing"
	"github.com/docent-go/docent/session"
)

// Data is the contents of a znode. In JSON, a field without a value is left
// out, except Host and PID.
type Data struct {
	ID   string `json:"id,omitempty"`
	Host string `json:"host"`
	PID  int    `json:"pid"`
	// Parents are sessions whose holds last until the owner's session has
	// ended.
	Parents []session.ID `json:"under,omitempty"`
	// Place is the name of the znode with which the owner of a lease waits for
	// it. While that znode exists, the lease still waits.
	Place string `json:"place,omitempty"`
	// Visit tells one visit of a double barrier from all others.
	Visit string `json:"visit,omitempty"`
	// Count is the number of members for which a member of a double barrier
	// waits.
	Count int `json:"count,omitempty"`
	// Claim tells one claim on a queue's item from all others.
	Claim string `json:"claim,omitempty"`
}

// New returns the data of this process. Without an id, the id is DefaultID.
func New(id string) Data {
	d := Process()
	if d.ID = id; id == "" {
		d.ID = DefaultID()
	}
	return d
}

// Process returns the data of this process, without an id.
func Process() Data { return Data{Host: hostname(), PID: os.Getpid()} }

// DefaultID returns the name of the host and the process id, as "host-4711".
func DefaultID() string { return fmt.Sprintf("%s-%d", hostname(), os.Getpid()) }

// Encode returns the contents of the znode.
func (d Data) Encode() []byte {
	data, err := json.Marshal(d)
	if err != nil {
		panic(err) // strings and numbers always have a JSON form
	}
	return data
}

// Parse decodes the contents of a znode. It returns false if the data is not
// Docent's.
func Parse(data []byte) (Data, bool) {
	var d Data
	if json.Unmarshal(data, &d) != nil || d.Host == "" || d.PID == 0 {
		return Data{}, false
	}
	return d, true
}

// Of returns what a znode's stat tells about its owner. It is zero where the
// server withholds the stat.
func Of(path string, stat core.Stat) session.Owner {
	o := session.Owner{Path: path, Session: session.ID(stat.EphemeralOwner), Token: stat.Czxid}
	if stat.Ctime != 0 {
		o.Since = stamp.Millis(stat.Ctime)
	}
	return o
}

// Describe returns the owner of a znode by its stat and its data. If the data
// is another library's, ID is the text that it holds, or "".
func Describe(path string, data []byte, stat core.Stat) session.Owner {
	o := Of(path, stat)
	if d, ours := Parse(data); ours {
		o.ID, o.Host, o.PID = d.ID, d.Host, d.PID
	} else {
		o.ID = Text(data)
	}
	return o
}

// maxText is the maximum length of data that is used as a name.
const maxText = 256

// Text returns data that can be shown as a name, or "".
func Text(data []byte) string {
	if len(data) > maxText || !utf8.Valid(data) {
		return ""
	}
	for _, r := range string(data) {
		if !unicode.IsPrint(r) {
			return ""
		}
	}
	return string(data)
}

// maxQuoted is how much of another name an error has.
const maxQuoted = 64

// Name returns a name that a znode holds, for an error: any program may have
// written it. A name that cannot be shown as it is comes in quotes, and its end
// is left out.
func Name(name string) string {
	switch {
	case Text([]byte(name)) == name:
		return name
	case utf8.RuneCountInString(name) > maxQuoted:
		return fmt.Sprintf("%.*q…", maxQuoted, name)
	}
	return strconv.Quote(name)
}

// At describes a znode for an error: its owner if the data tells, and its path.
// "a (pid 437 on vm) at /locks/orders/x" is an example.
func At(path string, data []byte) string {
	o := Describe(path, data, core.Stat{})
	who := Name(o.ID)
	switch process := fmt.Sprintf("pid %d on %s", o.PID, Name(o.Host)); {
	case o.PID == 0 && o.ID == "":
		return path
	case o.PID == 0:
	case o.ID == "", o.ID == fmt.Sprintf("%s-%d", o.Host, o.PID):
		who = process
	default:
		who += " (" + process + ")"
	}
	return who + " at " + path
}

func hostname() string {
	host, err := os.Hostname()
	if err != nil {
		return "unknown-host" // it is only shown to people
	}
	return host
}

// PresenceOf returns the state of a standing node as users see it.
func PresenceOf(s *standing.State) session.Presence {
	if !s.Standing() {
		return session.Presence{Err: s.Err, Token: s.Czxid}
	}
	return session.Presence{In: true, Token: s.Czxid, Session: session.ID(s.Session.ID())}
}

// SamePresence reports whether two presences say the same. Errors are the same
// if their texts are.
func SamePresence(a, b session.Presence) bool {
	if a.Err != nil && b.Err != nil && a.Err.Error() == b.Err.Error() {
		a.Err, b.Err = nil, nil
	}
	return a == b
}
