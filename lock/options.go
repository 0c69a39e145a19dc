package lock

import (
	"encoding/json"
	"fmt"
	"os"
)

// Option changes how a lock is contended for.
type Option func(*options)

type options struct {
	id        string
	revocable bool
	handoff   int
}

// ID names the contender for people who look at the lock. It need not be
// unique. The default is the host's name and the process id, "host-4711".
func ID(id string) Option { return func(o *options) { o.id = id } }

func newOptions(opts []Option) options {
	var o options
	for _, opt := range opts {
		opt(&o)
	}
	return o
}

// owner is what a contender's node holds. Other libraries ignore it.
type owner struct {
	ID   string `json:"id"`
	Host string `json:"host"`
	PID  int    `json:"pid"`
}

// owner returns who we are.
func (o options) owner() owner {
	who := owner{ID: o.id, Host: hostname(), PID: os.Getpid()}
	if who.ID == "" {
		who.ID = fmt.Sprintf("%s-%d", who.Host, who.PID)
	}
	return who
}

// data returns the contents of our nodes.
func (o options) data() []byte {
	data, err := json.Marshal(o.owner())
	if err != nil {
		panic(err) // two strings and an int always have a JSON form
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
