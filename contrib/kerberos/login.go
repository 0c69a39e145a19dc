package kerberos

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/jcmturner/gokrb5/v8/config"
	"github.com/jcmturner/gokrb5/v8/messages"
	"github.com/jcmturner/gokrb5/v8/types"
)

// ticket is a ticket with its session key.
type ticket struct {
	sealed messages.Ticket
	key    types.EncryptionKey
	client principal
	realm  string // whose KDC takes a ticket-granting ticket
	ends   time.Time
}

func (t ticket) good() bool { return time.Now().Before(t.ends) }

// ticketName is what a Mechanism keeps tickets by. The client of a cache
// changes when kinit writes another client's ticket.
type ticketName struct{ client, server principal }

// keptTicket is a ticket for a server in memory.
type keptTicket struct {
	ticket
	// doubtful says that a login with the ticket has begun, and that none has
	// succeeded since. The server may have a new key.
	doubtful bool
}

// login is one login to one server.
type login struct {
	m      *Mechanism
	kdc    *kdc
	own    credential
	server principal
}

// newLogin reads the files that a login needs.
func (m *Mechanism) newLogin(ctx context.Context, host string) (*login, error) {
	cfg, err := loadConfig(m.config)
	if err != nil {
		return nil, err
	}
	own, err := m.source.open(ctx, cfg)
	if err != nil {
		return nil, err
	}
	server, err := serverPrincipal(m.pattern, m.host(ctx, host), own.client().realm, cfg)
	if err != nil {
		return nil, err
	}
	return &login{m, &kdc{cfg, (&network{cfg, m, net.DefaultResolver.LookupSRV}).ask}, own, server}, nil
}

// loadConfig reads krb5.conf. file is the file of the option Config.
func loadConfig(file string) (*config.Config, error) {
	if file == "" {
		file = "/etc/krb5.conf"
		if list := filepath.SplitList(os.Getenv("KRB5_CONFIG")); len(list) > 0 {
			file = list[0]
		}
	}
	data, err := readFile(file)
	if err != nil {
		return nil, fmt.Errorf("the Kerberos configuration cannot be read: %w; name another file with kerberos.Config or KRB5_CONFIG", err)
	}
	var cfg *config.Config
	err = guard(func() (err error) {
		cfg, err = config.NewFromString(string(data))
		return err
	})
	var ignored config.UnsupportedDirective
	if err != nil && !errors.As(err, &ignored) {
		return nil, fmt.Errorf("the Kerberos configuration %s cannot be understood: %w", file, err)
	}
	return cfg, nil
}

// ticket returns a ticket for the server. A doubtful ticket is the last resort:
// it is used if no KDC answers.
func (l *login) ticket(ctx context.Context) (*keptTicket, error) {
	name := ticketName{l.own.client(), l.server}
	kept := l.m.take(name)
	if kept != nil && !kept.doubtful {
		return l.m.begin(name, kept.ticket), nil
	}
	try := l.fetch
	if kept == nil {
		try = l.fetchPatiently
	}
	fresh, err := try(ctx)
	var away *awayError
	if kept != nil && errors.As(err, &away) && ctx.Err() == nil {
		return l.m.begin(name, kept.ticket), nil
	}
	if err != nil {
		return nil, err
	}
	return l.m.begin(name, fresh), nil
}

// take returns the ticket in memory, or nil. It removes tickets that have ended.
func (m *Mechanism) take(name ticketName) *keptTicket {
	m.mu.Lock()
	defer m.mu.Unlock()
	for other, t := range m.tickets {
		if !t.good() {
			delete(m.tickets, other)
		}
	}
	if t := m.tickets[name]; t != nil {
		return &keptTicket{t.ticket, t.doubtful}
	}
	return nil
}

// begin keeps a ticket with which a login begins. The ticket is doubtful until
// the login has succeeded.
func (m *Mechanism) begin(name ticketName, t ticket) *keptTicket {
	m.mu.Lock()
	defer m.mu.Unlock()
	kept := &keptTicket{ticket: t, doubtful: true}
	m.tickets[name] = kept
	return kept
}

// proved says that a server has accepted the ticket.
func (m *Mechanism) proved(t *keptTicket) {
	m.mu.Lock()
	defer m.mu.Unlock()
	t.doubtful = false
}

// Pauses between the tries to reach a KDC.
const (
	firstPause = 100 * time.Millisecond
	maxPause   = 2 * time.Second
)

// fetchPatiently repeats fetch until ctx ends while no KDC answers.
func (l *login) fetchPatiently(ctx context.Context) (ticket, error) {
	for wait := firstPause; ; wait = min(2*wait, maxPause) {
		t, err := l.fetch(ctx)
		var away *awayError
		if !errors.As(err, &away) || pause(ctx, wait) != nil {
			return t, err
		}
	}
}

// fetch takes a new ticket for the server from a KDC.
func (l *login) fetch(ctx context.Context) (ticket, error) {
	granting, err := l.own.grant(ctx, l.kdc)
	if err != nil {
		return ticket{}, err
	}
	return l.kdc.service(ctx, granting, l.server)
}

// pause waits, or returns the error of ctx.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// guard calls f, and returns a panic of f as an error. The parsers and the
// ciphers of the library index beyond the end of data that is too short.
func guard(f func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("malformed data: %v", r)
		}
	}()
	return f()
}
