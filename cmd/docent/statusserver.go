package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/docent-go/docent/internal/base/znode"
	"github.com/docent-go/docent/internal/bridge"
	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/session"
)

// serverStatus is what one server has answered. A session on that server alone
// tells whether it serves, and the word srvr what it is.
type serverStatus struct {
	name, address string // as in --servers, and the address of the name
	problem       string // why it does not serve

	reachable   bool          // it accepts connections
	unsaid      string        // why the word has no answer; empty: it has
	early       bool          // the word had no answer because the server did not serve yet
	mode        string        // leader, follower, observer or standalone
	version     string        // of ZooKeeper
	zxid        string        // hexadecimal
	connections int           // -1: not known
	outstanding int           // requests in its queue; -1: not known
	latency     time.Duration // the median of latencyReads reads
	confirmed   time.Time     // when a quorum has answered through it; zero: none has
	err         error         // of its session
}

// latencyReads is the number of reads for which the latency is measured.
const latencyReads = 5

// label names the server: as in --servers, with the address of a name.
func (s *serverStatus) label() string {
	if s.name == s.address {
		return s.name
	}
	return s.name + " (" + s.address + ")"
}

// serves reports whether the server serves clients.
func (s *serverStatus) serves() bool { return s.problem == "" && !s.confirmed.IsZero() }

// ask asks the server, until ctx ends. A server that begins to serve meanwhile is
// asked for the word again.
func (s *serverStatus) ask(ctx context.Context, a *app, cfg session.Config, all *ensembleStatus) {
	s.connections, s.outstanding = -1, -1
	if s.problem != "" {
		s.unsaid = s.problem
		return
	}
	var word sync.WaitGroup
	word.Go(func() { s.askWord(ctx, a, cfg.TLS) })
	s.err = s.askSession(ctx, cfg, all)
	word.Wait()
	switch {
	case s.err != nil:
		s.problem = s.why()
	case s.early:
		s.unsaid, s.early = "", false
		s.askWord(ctx, a, cfg.TLS)
	}
}

// askWord asks by the four-letter word srvr.
func (s *serverStatus) askWord(ctx context.Context, a *app, secure *tls.Config) {
	answer, err := s.srvr(ctx, a, secure)
	s.early = answer == "" || strings.Contains(answer, "not currently serving")
	switch {
	case !s.reachable:
		s.unsaid = fmt.Sprintf("no connection (%v)", withoutAddress(err))
	case ctx.Err() != nil || errors.Is(err, context.DeadlineExceeded) || isTimeout(err):
		s.unsaid = "it accepts connections and does not answer"
	case strings.Contains(answer, "not currently serving"):
		s.unsaid = "it runs, and is not part of a quorum"
	case strings.Contains(answer, "whitelist"):
		s.unsaid = "the server does not answer the word srvr (its 4lw.commands.whitelist leaves it out)"
	case !s.parse(answer):
		s.unsaid = "the server does not answer the word srvr"
	}
}

// maxWord is the maximum size of an answer to a word.
const maxWord = 64 << 10

// srvr returns the answer to the word.
func (s *serverStatus) srvr(ctx context.Context, a *app, secure *tls.Config) (string, error) {
	dial := a.dial
	if dial == nil {
		dial = new(net.Dialer).DialContext
	}
	conn, err := dial(ctx, "tcp", s.address)
	if err != nil {
		return "", err
	}
	s.reachable = true
	defer func() { _ = conn.Close() }() // the answer is complete, or there is none
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	if secure != nil {
		secure = secure.Clone()
		if secure.ServerName == "" {
			secure.ServerName, _, _ = strings.Cut(s.name, ":")
		}
		conn = tls.Client(conn, secure)
	}
	if _, err := io.WriteString(conn, "srvr"); err != nil {
		return "", err
	}
	answer, err := io.ReadAll(io.LimitReader(conn, maxWord))
	return string(answer), err
}

// srvrLine is one line of the answer to srvr.
var srvrLine = regexp.MustCompile(`(?m)^(Zookeeper version|Mode|Zxid|Connections|Outstanding): ([^\r\n,]+)`)

// parse reads the answer to srvr.
func (s *serverStatus) parse(answer string) bool {
	for _, line := range srvrLine.FindAllStringSubmatch(answer, -1) {
		switch value := strings.TrimSpace(line[2]); line[1] {
		case "Zookeeper version":
			s.version, _, _ = strings.Cut(value, "-")
		case "Mode":
			s.mode = value
		case "Zxid":
			s.zxid = value
		case "Connections":
			s.connections = number(value)
		case "Outstanding":
			s.outstanding = number(value)
		}
	}
	return s.mode != ""
}

// number returns -1 for a word that is not a number.
func number(word string) int {
	n, err := strconv.Atoi(word)
	if err != nil {
		return -1
	}
	return n
}

// askSession opens a session on the server alone. It measures reads, and has a
// quorum answer. The first server that proves a quorum tells the rest.
func (s *serverStatus) askSession(ctx context.Context, cfg session.Config, all *ensembleStatus) (err error) {
	host, _, err := net.SplitHostPort(s.address)
	if err != nil {
		return err
	}
	cfg.Servers, cfg.Logger = []string{s.name}, slog.New(slog.DiscardHandler)
	cfg.LookupHost = func(context.Context, string) ([]string, error) { return []string{host}, nil }
	sm, err := session.Dial(ctx, cfg)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, sm.Close()) }()
	var took []time.Duration
	for range latencyReads {
		start := time.Now()
		if _, _, err := sm.Exists(ctx, "/"); err != nil {
			return err
		}
		took = append(took, time.Since(start))
	}
	slices.Sort(took)
	s.latency = took[len(took)/2]
	at := time.Now()
	if err := bridge.Core(sm).Confirm(ctx, "/"); err != nil {
		return err
	}
	s.confirmed = at
	all.tell.Do(func() {
		var own *sessionStatus
		if own, err = describeSession(ctx, sm, s); err == nil {
			all.session = own
		}
	})
	return err
}

// why says why the server does not serve.
func (s *serverStatus) why() string {
	switch {
	case errors.Is(s.err, session.ErrAuth):
		return "the server rejects the credentials"
	case !s.reachable, s.unsaid != "" && s.mode == "" && !strings.Contains(s.unsaid, "srvr"):
		return s.unsaid
	case s.latency > 0:
		return "it answers reads, and no quorum answers through it"
	case errors.Is(s.err, session.ErrNotServing):
		return "it closes connections: it is not part of a quorum"
	}
	return "it opens no session (" + reason(s.err) + ")"
}

// isTimeout reports whether err is the timeout of a connection.
func isTimeout(err error) bool {
	var timeout net.Error
	return errors.As(err, &timeout) && timeout.Timeout()
}

// withoutAddress returns the reason of a failed dial, without what the line says
// already.
func withoutAddress(err error) error {
	var op *net.OpError
	if errors.As(err, &op) {
		return op.Err
	}
	return err
}

// rights are the rights of a session on the root, as the servers grant them.
type rights struct {
	missing bool // the root does not exist
	read    bool
	create  bool
	remove  *bool // nil: not known without the right to create
}

// describeSession asks who the session is, and what it may do.
func describeSession(ctx context.Context, sm *session.Manager, on *serverStatus) (*sessionStatus, error) {
	now, err := bridge.Core(sm).Session(ctx)
	if err != nil {
		return nil, err
	}
	d := &sessionStatus{id: session.ID(now.ID()), server: on.label(), timeout: now.Timeout()}
	if d.identities, err = sm.WhoAmI(ctx); err != nil {
		d.unknown = reason(err)
		if errors.Is(err, session.ErrUnimplemented) {
			d.unknown = "servers before ZooKeeper 3.7 do not tell"
		}
	}
	d.rights, err = rightsOf(ctx, now)
	return d, err
}

// rightsOf has the servers refuse transactions: the operation that is refused
// shows the rights, and nothing changes.
func rightsOf(ctx context.Context, s *core.Session) (r rights, err error) {
	_, _, err = s.Get(ctx, "/")
	switch {
	case errors.Is(err, core.ErrNoNode):
		return rights{missing: true}, nil
	case err != nil && !errors.Is(err, core.ErrNoAuth):
		return r, err
	}
	r.read = err == nil
	never := core.CheckOp("/docent-proof-"+znode.NewGUID(), core.AnyVersion)
	_, err = s.Txn(ctx, append(core.RequirePersistent("/"), never)...)
	i, refused := core.RefusedOp(err)
	if !refused {
		return r, err
	}
	r.create = i > 0
	if r.create {
		may := i > 1
		r.remove = &may
	}
	return r, nil
}
