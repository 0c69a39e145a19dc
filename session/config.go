package session

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net"
	"time"

	"github.com/docent-go/docent/internal/core"
)

// Defaults of Config.
const (
	DefaultTimeout    = core.DefaultTimeout    // 10 s
	DefaultMaxRequest = core.DefaultMaxRequest // 1 MiB less a byte, ZooKeeper's default jute.maxbuffer
)

// Config says where ZooKeeper is and how its sessions are kept. Only Servers
// must be set.
type Config struct {
	// Servers lists the servers of the ensemble as "host:port", or as "host"
	// for port 2181. An IPv6 address is written in brackets. ParseConnect makes
	// the list from a connect string. Host names are resolved again in each
	// round of dialling. A name that does not resolve is skipped if another
	// name does.
	Servers []string
	// Root is the znode below which every path of this Manager lies (a chroot).
	// Empty means "/". Root contains neither commas nor spaces. Root need not
	// exist: Create and EnsureDir make it, a transaction does not.
	Root string
	// Timeout is the session timeout to ask for. The server may grant another
	// timeout. Zero means DefaultTimeout.
	Timeout time.Duration
	// TrustMargin lies between the trust deadline of a session and the earliest
	// moment at which the leader can expire the session, if the leader has heard
	// of it lately. Otherwise a twelfth of the granted timeout lies between the
	// two, or TrustMargin if that is shorter. It covers the drift of clocks, and
	// the time that the program needs to stop working. Zero means 5/12 of the
	// granted timeout. TrustMargin must be less than half of Timeout.
	TrustMargin time.Duration
	// LossPolicy says when holds end. The default is AtDeadline.
	LossPolicy LossPolicy
	// TLS, if set, is used for every connection. The certificate must name the
	// host as Servers gives it, unless TLS.ServerName is set.
	TLS *tls.Config
	// SASL, if set, logs in on every connection, after TLS and before
	// everything else. DigestMD5 makes the mechanism that servers have without
	// Kerberos.
	SASL SASLMechanism
	// Auth is presented to the server in every session. Servers get it in clear
	// text. If Auth or DigestMD5 is used on a connection to another machine
	// without TLS, the Manager logs a warning, once. It does not if the
	// connection of a Dialer is encrypted, which its method ConnectionState
	// tells.
	Auth []Credential
	// ACL is given to every znode that is created. Nil means WorldACL(PermAll);
	// CreatorACL is the usual choice with Auth. Without credentials, every
	// create with CreatorACL fails with ErrInvalidACL.
	ACL []ACL
	// Directories says what to do about a directory whose ACL gives others the
	// right to create or delete znodes, or to change the ACL. Others are all
	// identities to which ACL does not give the right. The default is
	// WarnExposed. If ACL is nil or gives all rights to everyone, WarnExposed
	// checks nothing, and RejectExposed is an error of Dial and Start.
	Directories DirectoryPolicy
	// Logger receives the events of sessions. Nil sends warnings and errors to
	// slog.Default(), as it is at the time of each line. To discard all lines,
	// use slog.New(slog.DiscardHandler). Credentials are never logged. The
	// handler runs on a goroutine of its own. While it blocks, the Manager
	// keeps 1,000 lines for it.
	Logger *slog.Logger
	// Hooks observe the Manager. Each implements one or more of the Hook
	// interfaces.
	Hooks []Hook
	// Dialer opens connections in place of net.Dialer. It gets the servers as
	// Servers names them, unresolved, each with its port.
	Dialer func(ctx context.Context, network, address string) (net.Conn, error)
	// LookupHost resolves host names in place of net.DefaultResolver. It is not
	// used with Dialer.
	LookupHost func(ctx context.Context, host string) ([]string, error)
	// MaxRequest is the size in bytes of the largest request that the server
	// takes: its jute.maxbuffer. A larger request fails with ErrTooLarge and is
	// not sent, since the server would close the connection. Zero means
	// DefaultMaxRequest, which is the default of servers.
	MaxRequest int
}

// LossPolicy says when a hold ends.
type LossPolicy int

const (
	// AtDeadline keeps a hold through a disconnection, until the trust deadline
	// of the session.
	AtDeadline LossPolicy = iota
	// OnDisconnect ends every hold when the connection is lost, although the
	// session may survive. Servers before ZooKeeper 3.7 close the connection for
	// a request that they do not know, so the Manager asks what they know before
	// its first session has holds: Dial takes a request longer.
	OnDisconnect
)

// DirectoryPolicy says what a Manager does about a directory in which others may
// create or delete znodes. Such a right is worth more than the ACL of a znode:
// a session that may delete in a directory may delete each of its znodes.
//
// The directory is the one in which a recipe, Create, CreateTTL or Txn creates a
// znode. Directories that the Manager creates itself have Config.ACL. Config
// keys, counters and the records of lock.Once are checked for the right to write
// too. The check is one read of the ACL for each directory and session. A
// session remembers 1,000 of them.
//
// If the session may not read the ACL, or cannot compare an identity with its
// own, the Manager says so, and treats the directory as exposed.
type DirectoryPolicy int

const (
	// WarnExposed logs a warning with the path, the identities and their
	// rights, once for each directory and Manager. The check follows the create
	// and delays nothing.
	WarnExposed DirectoryPolicy = iota
	// RejectExposed makes the verb fail with ErrExposed, before it creates a
	// znode. For a lock, a leadership, a membership, a registration and any other
	// ephemeral znode of Create, it also checks after the create, before the
	// verb reports success: from then on no client can replace the directory. If
	// that check fails, the znode is deleted. Before other znodes and
	// transactions, the ACL was read at most a second ago.
	RejectExposed
	// IgnoreExposed checks nothing.
	IgnoreExposed
)

// core returns the configuration of the implementation.
func (c *Config) core() core.Config {
	cfg := core.Config{
		Servers:     c.Servers,
		Root:        c.Root,
		Timeout:     c.Timeout,
		TrustMargin: c.TrustMargin,
		LossPolicy:  core.LossPolicy(c.LossPolicy),
		TLS:         c.TLS,
		ACL:         c.ACL,
		Directories: core.DirectoryPolicy(c.Directories),
		Logger:      c.Logger,
		Hooks:       coreHooks(c.Hooks),
		Dialer:      c.Dialer,
		LookupHost:  c.LookupHost,
		MaxRequest:  c.MaxRequest,
	}
	if c.SASL != nil {
		cfg.SASL = coreSASL(c.SASL)
	}
	for _, credential := range c.Auth {
		cfg.Auth = append(cfg.Auth, credential.core)
	}
	return cfg
}

// ParseConnect splits a ZooKeeper connect string, "host:port,host:port/root",
// into the values of Config.Servers and Config.Root. Spaces around a server are
// ignored.
//
// The error names the part that other programs may read differently: a root
// after each server, a second root, an empty server, or a character that roots
// cannot have.
func ParseConnect(connect string) (servers []string, root string, err error) {
	return core.ParseConnect(connect)
}
