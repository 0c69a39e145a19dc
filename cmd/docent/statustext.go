package main

import (
	"fmt"
	"strings"
	"time"
)

// statusJSON is the status as JSON.
type statusJSON struct {
	Quorum    bool         `json:"quorum"`
	Confirmed string       `json:"confirmed,omitempty"`
	Servers   []serverJSON `json:"servers"`
	Session   *statusOwn   `json:"session,omitempty"`
}

// serverJSON is one server.
type serverJSON struct {
	Server      string   `json:"server"`
	Address     string   `json:"address"`
	Serves      bool     `json:"serves"`
	Problem     string   `json:"problem,omitempty"`
	Mode        string   `json:"mode,omitempty"`
	Unsaid      string   `json:"unsaid,omitempty"` // why mode, version, zxid and connections are missing
	Version     string   `json:"version,omitempty"`
	Zxid        string   `json:"zxid,omitempty"`
	Connections *int     `json:"connections,omitempty"`
	Outstanding *int     `json:"outstanding,omitempty"`
	LatencyMS   *float64 `json:"latencyMs,omitempty"`
}

// statusOwn is our own session.
type statusOwn struct {
	ID         string         `json:"id"`
	Server     string         `json:"server"`
	TimeoutMS  int64          `json:"timeoutMs"`
	Identities []identityJSON `json:"identities,omitempty"`
	Unknown    string         `json:"unknown,omitempty"` // why there are no identities
	Root       string         `json:"root"`
	Rights     rightsJSON     `json:"rights"`
}

type identityJSON struct {
	Scheme string `json:"scheme"`
	ID     string `json:"id"`
}

// rightsJSON are the rights on the root.
type rightsJSON struct {
	Missing bool  `json:"missing,omitempty"` // the root does not exist
	Read    bool  `json:"read"`
	Create  bool  `json:"create"`
	Delete  *bool `json:"delete,omitempty"` // missing: not known
}

func (s *ensembleStatus) json() statusJSON {
	at := s.quorum()
	j := statusJSON{Quorum: !at.IsZero(), Servers: []serverJSON{}}
	if j.Quorum {
		j.Confirmed = timestamp(at)
	}
	for _, server := range s.servers {
		one := serverJSON{Server: server.name, Address: server.address, Serves: server.serves(), Problem: server.problem,
			Mode: server.mode, Unsaid: server.unsaid, Version: server.version, Zxid: server.zxid,
			Connections: known(server.connections), Outstanding: known(server.outstanding)}
		if server.latency > 0 {
			ms := float64(server.latency) / float64(time.Millisecond)
			one.LatencyMS = &ms
		}
		j.Servers = append(j.Servers, one)
	}
	if own := s.session; own != nil {
		j.Session = &statusOwn{ID: own.id.String(), Server: own.server, TimeoutMS: own.timeout.Milliseconds(), Unknown: own.unknown,
			Root: s.rootPath(), Rights: rightsJSON{own.rights.missing, own.rights.read, own.rights.create, own.rights.remove}}
		for _, who := range own.identities {
			j.Session.Identities = append(j.Session.Identities, identityJSON{who.Scheme, who.ID})
		}
	}
	return j
}

func known(n int) *int {
	if n < 0 {
		return nil
	}
	return &n
}

func (s *ensembleStatus) rootPath() string {
	if s.root == "" {
		return "/"
	}
	return s.root
}

// text formats the status: a line for the quorum, one for each server, and three
// for the session.
func (s *ensembleStatus) text(now time.Time) string {
	t := new(findingText)
	if at := s.quorum(); at.IsZero() {
		t.line("quorum    no answer")
	} else {
		t.line("quorum    yes, confirmed at %s", clock(at, now))
	}
	for _, server := range s.servers {
		t.line("server    %s  %s", oneLine(server.label()), oneLine(server.text()))
	}
	own := s.session
	if own == nil {
		return t.b.String()
	}
	t.line("session   %s on %s, timeout %v", own.id, oneLine(own.server), own.timeout)
	var names []string
	for _, who := range own.identities {
		names = append(names, who.Scheme+":"+who.ID)
	}
	if own.unknown != "" {
		names = append(names, "not known: "+own.unknown)
	}
	t.line("identity  %s", oneLine(strings.Join(names, ", ")))
	t.line("rights    %s on %s", own.rights.text(), oneLine(s.rootPath()))
	return t.b.String()
}

// text describes the server in one line.
func (s *serverStatus) text() string {
	if s.problem != "" {
		what := "does not serve: " + s.problem
		if s.mode != "" {
			what += fmt.Sprintf(" (it says that it is a %s)", s.mode)
		}
		return what
	}
	var words []string
	if s.mode == "" {
		words = append(words, "serves", "mode not known: "+s.unsaid)
	} else {
		words = append(words, s.mode, "ZooKeeper "+s.version, "zxid "+s.zxid)
		if s.connections >= 0 {
			words = append(words, count(s.connections, "connection"))
		}
		if s.outstanding > 0 {
			words = append(words, count(s.outstanding, "request")+" in its queue")
		}
	}
	return strings.Join(append(words, fmt.Sprintf("answers in %v", s.latency.Round(10*time.Microsecond))), ", ")
}

// text lists the rights.
func (r rights) text() string {
	if r.missing {
		return "none yet: the root does not exist"
	}
	var may, not []string
	for _, right := range []struct {
		name string
		has  *bool
	}{{"read", &r.read}, {"create", &r.create}, {"delete", r.remove}} {
		switch {
		case right.has == nil:
		case *right.has:
			may = append(may, right.name)
		default:
			not = append(not, right.name)
		}
	}
	switch {
	case len(not) == 0:
		return list(may, "and")
	case len(may) == 0:
		return "no right to " + list(not, "or")
	}
	return list(may, "and") + ", no right to " + list(not, "or")
}
