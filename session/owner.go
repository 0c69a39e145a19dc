package session

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/docent-go/docent/internal/core"
)

// ID is the id of a ZooKeeper session. Its text and JSON forms are the
// hexadecimal ones of ZooKeeper's logs and tools, such as 0x1000a2f4c8e0003.
// Zero is not the id of a session.
type ID int64

// String returns the hexadecimal form.
func (id ID) String() string { return core.SessionID(id).String() }

// Format prints the hexadecimal form for %v and %s, and the number for any
// other verb, such as %d and %x.
func (id ID) Format(f fmt.State, verb rune) {
	if verb == 'v' || verb == 's' {
		fmt.Fprint(f, id.String())
		return
	}
	fmt.Fprintf(f, fmt.FormatString(f, verb), uint64(id))
}

// MarshalText returns the hexadecimal form.
func (id ID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// UnmarshalText is the reverse of MarshalText. It returns an error for a text
// that is not hexadecimal or does not begin with 0x.
func (id *ID) UnmarshalText(text []byte) error {
	digits, ok := strings.CutPrefix(string(text), "0x")
	n, err := strconv.ParseUint(digits, 16, 64)
	if !ok || err != nil {
		return fmt.Errorf("%q is not a session id, such as 0x1000a2f4c8e0003", text)
	}
	*id = ID(n)
	return nil
}

// Owner describes the client that created a znode: the holder of a lock, a
// waiter, a leader, a candidate, a member, or a consumer with a claim. What a
// znode does not tell is zero. The znodes of other libraries tell less.
type Owner struct {
	// ID is the text that the client chose with the option ID or its like. For
	// the znode of another library it is the text that the znode holds, or the
	// name that the package's documentation gives.
	ID string `json:"id,omitempty"`
	// Host and PID are the host and the process of a client of this library.
	Host string `json:"host,omitempty"`
	PID  int    `json:"pid,omitempty"`
	// Session is the session that the znode ends with. It is zero if the znode
	// is not ephemeral.
	Session ID `json:"session,omitempty"`
	// Since is when the znode was created, by the clock of the ensemble's
	// leader. A contender joined the wait queue then: no znode tells when it
	// began to hold or to lead.
	Since time.Time `json:"since"`
	// Token is the zxid of the znode's creation. It orders owners of the same
	// path by age. A fencing token is at least this.
	Token int64 `json:"token"`
	// Path is the path of the znode, below the root of the Manager.
	Path string `json:"path"`
	// Hidden says that the znode's ACL does not let this session read it. Every
	// field is zero that only the data tells, and that the server withholds.
	Hidden bool `json:"hidden,omitempty"`
}

// Presence says whether the znode of a member of a group, or of an instance of
// a service, exists.
type Presence struct {
	// In says that the znode is known to exist, in a session that can still be
	// trusted. The znode of a static instance is not watched: In says that it
	// was created, and not unregistered by this process.
	In bool
	// Err is the reason why the znode is away, and nil while In is true. It
	// matches ErrLost (the session has ended, or another client has deleted the
	// znode), ErrReplaced, ErrIDTaken, ErrNotEphemeral or ErrReleased, or is
	// what a server rejected. After ErrReleased and ErrClosed the znode stays
	// away. After any other error it comes back by itself when it can.
	Err error
	// Token is the zxid of the znode's creation. It grows each time the znode
	// comes in. While the znode is away, Token is the last one.
	Token int64
	// Session is the session that owns the znode. It is zero while the znode is
	// away, and for a static instance.
	Session ID
}
