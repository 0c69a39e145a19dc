package lock

import (
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/docent-go/docent/internal/misuse"
)

// Option changes how a lock is acquired.
type Option func(*options)

type options struct {
	id        string
	revocable bool
	handoff   int
	under     []int64

	// Of a Once.
	slack       *time.Duration // nil: half the interval
	waitForRun  bool
	rerunLost   bool
	rerunFailed bool
}

// ID names the contender for people who look at the lock. It need not be
// unique. The default is the host's name and the process id, "host-4711".
func ID(id string) Option { return func(o *options) { o.id = id } }

// ParentSessions says that the contender works on behalf of other sessions,
// whose holds last until the contender has ended. An example is "docent lock":
// it holds its lock until the program that it runs has ended, and that
// program's contenders are under its session. Package inspect treats the
// contender and these sessions as a single client when it looks for deadlocks.
// Nothing else uses the option.
func ParentSessions(sessions ...int64) Option { return func(o *options) { o.under = sessions } }

func newOptions(call string, opts []Option) options {
	var o options
	misuse.Apply(call, &o, opts)
	return o
}

// watched reports whether a request to release the lock has to be noticed at
// once. The request is written into the holder's znode.
func (o options) watched() bool { return o.revocable || o.handoff != 0 }

// owner is what a contender's znode holds. Other libraries ignore it.
type owner struct {
	ID    string   `json:"id"`
	Host  string   `json:"host"`
	PID   int      `json:"pid"`
	Under []string `json:"under,omitempty"` // ids of sessions, as ZooKeeper's tools print them
}

// owner returns the description of this contender.
func (o options) owner() owner {
	who := owner{ID: o.id, Host: hostname(), PID: os.Getpid()}
	if who.ID == "" {
		who.ID = fmt.Sprintf("%s-%d", who.Host, who.PID)
	}
	for _, id := range o.under {
		who.Under = append(who.Under, fmt.Sprintf("0x%x", uint64(id)))
	}
	return who
}

// data returns the contents of the contender's znodes.
func (o options) data() []byte {
	data, err := json.Marshal(o.owner())
	if err != nil {
		panic(err) // strings and an int always have a JSON form
	}
	return data
}

func hostname() string {
	host, err := os.Hostname()
	if err != nil {
		return "unknown-host" // it is only shown to people
	}
	return host
}
