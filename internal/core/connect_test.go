package core_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode"

	"github.com/go-zookeeper/zk"
	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/base/znode"
	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/zktest"
)

func TestParseConnect(t *testing.T) {
	for connect, want := range map[string]struct {
		servers []string
		root    string
	}{
		"zk1":                      {[]string{"zk1:2181"}, "/"},
		"zk1:2182":                 {[]string{"zk1:2182"}, "/"},
		"zk1:2181,zk2,zk3:2183":    {[]string{"zk1:2181", "zk2:2181", "zk3:2183"}, "/"},
		" zk1:2181 , zk2:2181 ":    {[]string{"zk1:2181", "zk2:2181"}, "/"},
		"zk1:2181/":                {[]string{"zk1:2181"}, "/"},
		"zk1:2181,zk2:2181/prod/a": {[]string{"zk1:2181", "zk2:2181"}, "/prod/a"},
		"127.0.0.1:2181/x":         {[]string{"127.0.0.1:2181"}, "/x"},
		"[::1]":                    {[]string{"[::1]:2181"}, "/"},
		"[2001:db8::1]:99,zk1/r":   {[]string{"[2001:db8::1]:99", "zk1:2181"}, "/r"},
	} {
		servers, root, err := core.ParseConnect(connect)
		require.NoError(t, err, "%q", connect)
		require.Equal(t, want.servers, servers, "%q", connect)
		require.Equal(t, want.root, root, "%q", connect)
	}
}

// Ambiguous connect strings are refused, and the error says how to write them.
func TestFault08_ParseConnectRefuses(t *testing.T) {
	for connect, reason := range map[string]string{
		"":                  "empty",
		",":                 "empty",
		" , ":               "empty",
		"zk1,":              "server 2 of 2",
		"zk1,,zk2":          "server 2 of 3",
		"/app":              "empty",
		":2181":             "host is missing",
		"zk1:":              "port",
		"zk1:0":             "port",
		"zk1:65536":         "port",
		"zk1:-1":            "port",
		"zk1:http":          "port",
		"zk1:02181":         "port",
		"zk1:2181:2182":     "more than one colon",
		"[::1":              "not closed",
		"[zk1]:2181":        "brackets",
		"::1":               "write [::1]:port",
		"2001:db8::1:2181":  "brackets",
		"zk 1:2181":         "space",
		"zk1:2181 zk2:2181": "space",
		"zk1;zk2":           "semicolon",
		"zk1:2181/app/":     "ends with /",
		"zk1:2181//app":     "empty segment",
		"zk1:2181/app/../b": `".."`,
		"zk1:2181/a\x00":    "U+0000",
		"zk://zk1:2181/app": `write "zk1:2181/app"`,
		"zk1,http://zk2":    "scheme",
		"zk1:2181/app;zk2":  "write only the root there, after all servers",
		"zk1/zk2:2181":      "':'",
		"zk1/app?x=1":       "'?'",
		"zk1/app#x":         "'#'",
		"zk1,zk2/app,":      `as in "zk1,zk2/app"`,
		"zk1/app,zk2/app":   `as in "zk1,zk2/app"`,
		"::1:2181":          "write [::1]:2181, or [::1:2181]:port",
		"zk1/zookeeper":     "reserved",
		"zk1/zookeeper/x":   "reserved",
		"2181":              "neither an IPv4 address nor a DNS name",

		"zk1:2181/app,zk2:2181/app":   `write the root once, at the end, as in "zk1:2181,zk2:2181/app"`,
		"zk1:2181/app,zk2:2181":       `as in "zk1:2181,zk2:2181/app"`,
		"zk1:2181/,zk2:2181/app":      "write the root once",
		"zk1:2181/a,zk2:2181/b":       "write the root once",
		"zk1:2181,zk2:2181/app,b":     "write the root once",
		"zk1:2181/app, zk2:2181/app":  `as in "zk1:2181,zk2:2181/app"`,
		"zk1:2181/app zk2:2181/app":   "':'",
		"zk1:2181/app ":               "a comma, a semicolon or a space",
		"zk1:2181/app\n":              "a comma, a semicolon or a space",
		"zk1:2181/app\u00a0":          "a comma, a semicolon or a space",
		"zk1:2181,zk1:2181":           "the same server",
		"zk1,zk2,zk1:2181":            `"zk1" and "zk1:2181" are the same server`,
		"zk1,ZK1.":                    "the same server",
		"[::1]:2181,[0:0::1]:2181":    "the same server",
		"zk1:2181\uff0czk2:2181/app":  "more than one colon",
		"\"zk1:2181,zk2:2181\"":       "character",
		"DOCENT_SERVERS=zk1:2181/app": "character",
	} {
		servers, root, err := core.ParseConnect(connect)
		require.ErrorContains(t, err, reason, "%q", connect)
		require.ErrorContains(t, err, strconv.Quote(connect), "the error quotes what was given")
		require.Nil(t, servers)
		require.Empty(t, root)
	}
	_, _, err := core.ParseConnect("ann:hunter2@zk1:2181")
	require.ErrorContains(t, err, "it has an @")
	require.NotContains(t, err.Error(), "hunter2")
}

func FuzzParseConnect(f *testing.F) {
	for _, s := range []string{"", "zk1:2181,zk2/prod", "[::1]:2181", "a:b:c", "::1/x", "zk1/\x00", " , /",
		"zk1:2181/app,zk2:2181/app", "zk1/a b", "zk://h", "zk1,zk1:2181", "[fe80::1%a]", "a@b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, connect string) {
		servers, root, err := core.ParseConnect(connect)
		if err != nil {
			if servers != nil || root != "" {
				t.Fatalf("%q: an error, and %v %q", connect, servers, root)
			}
			return
		}
		if len(servers) == 0 || znode.ValidateRoot(root) != nil {
			t.Fatalf("%q: %v %q", connect, servers, root)
		}
		for _, server := range servers {
			host, port, err := net.SplitHostPort(server)
			n, portErr := strconv.ParseUint(port, 10, 16)
			if err != nil || portErr != nil || n == 0 || host == "" || strings.ContainsAny(host, " ,/@") {
				t.Fatalf("%q: %q is no host:port", connect, server)
			}
		}
		if strings.Contains(root, ",") || strings.ContainsFunc(root, unicode.IsSpace) {
			t.Fatalf("%q: root %q", connect, root)
		}
		again := strings.Join(servers, ",") + root
		servers2, root2, err := core.ParseConnect(again)
		if err != nil || root2 != root || strings.Join(servers2, ",") != strings.Join(servers, ",") {
			t.Fatalf("%q becomes %q, which becomes %v %q %v", connect, again, servers2, root2, err)
		}
	})
}

func TestConfigNamesTheFieldAtFault(t *testing.T) {
	for name, c := range map[string]struct {
		field, reason string
		change        func(*core.Config)
	}{
		"no servers":         {"Servers", "name at least one", func(c *core.Config) { c.Servers = nil }},
		"empty server":       {"Servers", "server 2 of 2, \"\": it is empty", func(c *core.Config) { c.Servers = []string{"zk1", ""} }},
		"port zero":          {"Servers", `port "0"`, func(c *core.Config) { c.Servers = []string{"zk1:0"} }},
		"port too great":     {"Servers", `port "70000"`, func(c *core.Config) { c.Servers = []string{"zk1:70000"} }},
		"connect string":     {"Servers", "; a root belongs into Root, and ParseConnect splits", func(c *core.Config) { c.Servers = []string{"zk1,zk2:2181"} }},
		"root in the server": {"Servers", "a root belongs into Root, and ParseConnect splits", func(c *core.Config) { c.Servers = []string{"zk1/app"} }},
		"server twice":       {"Servers", "the same server", func(c *core.Config) { c.Servers = []string{"zk1", "zk1:2181"} }},
		"credentials":        {"Servers", "not shown", func(c *core.Config) { c.Servers = []string{"ann:hunter2@zk1"} }},
		"bare IPv6":          {"Servers", "brackets", func(c *core.Config) { c.Servers = []string{"::1"} }},
		"servers in root":    {"Root", "a comma, a semicolon or a space", func(c *core.Config) { c.Root = "/app,zk2:2181/app" }},
		"space in root":      {"Root", "a comma, a semicolon or a space", func(c *core.Config) { c.Root = "/app " }},
		"colon in user":      {"Auth", "contains a colon", func(c *core.Config) { c.Auth = []core.Credential{core.Digest("a:b", "hunter2")} }},
		"no user":            {"Auth", "is empty", func(c *core.Config) { c.Auth = []core.Credential{core.Digest("", "hunter2")} }},
		"relative root":      {"Root", "relative", func(c *core.Config) { c.Root = "app" }},
		"root ends with /":   {"Root", "ends with /", func(c *core.Config) { c.Root = "/app/" }},
		"reserved root":      {"Root", "reserved", func(c *core.Config) { c.Root = "/zookeeper" }},
		"below reserved":     {"Root", "reserved", func(c *core.Config) { c.Root = "/zookeeper/app" }},
		"negative timeout":   {"Timeout", "negative", func(c *core.Config) { c.Timeout = -time.Second }},
		"tiny timeout":       {"Timeout", "less than", func(c *core.Config) { c.Timeout = time.Millisecond }},
		"huge timeout":       {"Timeout", "more than", func(c *core.Config) { c.Timeout = 25 * time.Hour }},
		"negative margin":    {"TrustMargin", "between", func(c *core.Config) { c.TrustMargin = -1 }},
		"margin too great":   {"TrustMargin", "between", func(c *core.Config) { c.TrustMargin = 5 * time.Second }},
		"loss policy":        {"LossPolicy", "unknown", func(c *core.Config) { c.LossPolicy = 2 }},
		"scheme missing":     {"Auth", "no scheme", func(c *core.Config) { c.Auth = []core.Credential{{}} }},
		"digest of nothing":  {"Auth", "user:password", func(c *core.Config) { c.Auth = []core.Credential{{Scheme: "digest"}} }},
		"digest, no colon": {"Auth", "user:password", func(c *core.Config) {
			c.Auth = []core.Credential{core.Digest("a", "b"), core.AddAuth("digest", []byte("hunter2"))}
		}},
		"reject without an ACL": {"Directories", "set ACL, such as CreatorACL with Auth", func(c *core.Config) { c.Directories = core.RejectExposed }},
		"reject with an open ACL": {"Directories", "set ACL", func(c *core.Config) {
			c.Directories, c.ACL = core.RejectExposed, core.WorldACL(core.PermAll)
		}},
		"empty ACL":     {"ACL", "empty", func(c *core.Config) { c.ACL = []zk.ACL{} }},
		"tiny requests": {"MaxRequest", "1024", func(c *core.Config) { c.MaxRequest = 100 }},
		"no hook":       {"Hooks", "int implements none", func(c *core.Config) { c.Hooks = []core.Hook{42} }},
		"nil hook":      {"Hooks", "implements none", func(c *core.Config) { c.Hooks = []core.Hook{nil} }},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := core.Config{Servers: []string{"zk1"}, Dialer: func(context.Context, string, string) (net.Conn, error) {
				t.Error("dialled with a configuration that is not valid")
				return nil, errors.New("no")
			}}
			c.change(&cfg)
			sm, err := core.Dial(t.Context(), cfg)
			require.Nil(t, sm)
			require.ErrorContains(t, err, "session config: "+c.field+": ")
			require.ErrorContains(t, err, c.reason)
			require.NotContains(t, err.Error(), "hunter2")
			require.NotContains(t, err.Error(), "\n")
		})
	}
}

func TestCredentialsDoNotPrint(t *testing.T) {
	const secret = "hunter2"
	cred := core.Digest("ann", secret)
	cfg := core.Config{Servers: []string{"zk1"}, Auth: []core.Credential{cred, core.AddAuth("custom", []byte(secret))}}
	type inside struct {
		cfg  core.Config // fmt cannot call methods on what lies in here
		cred core.Credential
	}
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("config", "cfg", cfg, "cred", cred, "inside", inside{cfg, cred})
	slog.New(slog.NewJSONHandler(&log, nil)).Info("config", "cred", cred, "auth", cfg.Auth)
	printed := []string{log.String()}
	for _, v := range []any{cred, &cred, cfg, &cfg, cfg.Auth, inside{cfg, cred}, &inside{cfg, cred}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%d", "%x", "%q"} {
			printed = append(printed, fmt.Sprintf(verb, v))
		}
	}
	for _, p := range printed {
		requireNoSecret(t, p, secret)
	}
	require.Equal(t, "digest:…", cred.String())
	require.Equal(t, "digest:…", fmt.Sprintf("%#v", cred))
}

// requireNoSecret looks for the secret as text, as hexadecimal and as a list of
// numbers.
func requireNoSecret(t testing.TB, text, secret string) {
	t.Helper()
	for _, form := range []string{"%s", "%x", "%d", "%#v"} {
		require.NotContains(t, text, strings.Trim(fmt.Sprintf(form, []byte(secret)), "[]{}"))
	}
}

// safeBuffer collects logs from several goroutines.
type safeBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}
func (b *safeBuffer) String() string { b.mu.Lock(); defer b.mu.Unlock(); return b.buf.String() }

// A whole life at debug level: a session, a reconnection, an expiry, calls with
// and without rights, refused credentials.
func TestCredentialsDoNotReachLogsOrErrors(t *testing.T) {
	const secret = "hunter2"
	inWorld(t, func(w *world) {
		var log safeBuffer
		var errs []string
		debug := func(cfg *core.Config) {
			cfg.Logger = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
			cfg.Auth = []core.Credential{core.Digest("ann", secret)}
			cfg.ACL = core.CreatorACL()
		}
		p := w.process(debug)
		_, err := p.Create(w.Context(), "/mine", nil, core.Persistent)
		require.NoError(w, err)
		s := p.session()
		w.Srv.Disconnect(s.ID())
		_, _, err = p.Get(w.Context(), "/mine")
		require.NoError(w, err)
		w.Srv.Expire(s.ID())
		p.next(s)
		_, err = p.Create(w.Context(), "/mine", nil, core.Persistent)
		errs = append(errs, err.Error())
		p.link.Refuse(true)
		p.link.Disconnect()
		_, _, err = p.Get(w.Within(30*time.Second), "/mine")
		errs = append(errs, err.Error())
		require.NoError(w, p.Close())

		stranger := w.process(func(cfg *core.Config) { debug(cfg); cfg.Auth = nil })
		_, _, err = stranger.Get(w.Context(), "/mine")
		require.ErrorIs(w, err, zk.ErrNoAuth)
		errs = append(errs, err.Error())

		cfg := core.Config{Servers: []string{"zk1"}, Dialer: w.Srv.DialContext}
		debug(&cfg)
		cfg.Auth = append(cfg.Auth, core.AddAuth("kerberos", []byte(secret)))
		_, err = core.Dial(w.Context(), cfg)
		require.ErrorIs(w, err, core.ErrAuth)
		errs = append(errs, err.Error())

		require.Contains(w, log.String(), "level=DEBUG", "a log in which nothing is shows nothing")
		require.Contains(w, log.String(), "session opened")
		requireNoSecret(w.T, log.String()+strings.Join(errs, "\n"), secret)
	}, zktest.Tick(time.Second))
}

// The zero values of a Config are the documented ones.
func TestConfigDefaults(t *testing.T) {
	inWorld(t, func(w *world) {
		var asked []string
		p := w.process(func(cfg *core.Config) {
			dial := cfg.Dialer
			cfg.Dialer = func(ctx context.Context, network, addr string) (net.Conn, error) {
				asked = append(asked, network+" "+addr)
				return dial(ctx, network, addr)
			}
		})
		require.Equal(w, core.DefaultTimeout, p.session().Timeout())
		require.Equal(w, "/", p.Root())
		require.Equal(w, []string{"tcp zk1:2181"}, asked)
		path, err := p.Create(w.Context(), "/open", nil, core.Persistent)
		require.NoError(w, err)
		n, ok := w.Srv.Node(path)
		require.True(w, ok)
		require.Equal(w, []zktest.ACL{{Perms: 31, Scheme: "world", ID: "anyone"}}, n.ACL)
	})
}

// With a user's Dialer, TLS still runs on the dialled connection.
func TestConfigTLSOverDialer(t *testing.T) {
	inWorld(t, func(w *world) {
		cfg := core.Config{Servers: []string{"zk1"}, Dialer: w.Srv.DialContext, TLS: &tls.Config{}}
		_, err := core.Dial(w.Within(5*time.Second), cfg)
		require.ErrorIs(w, err, core.ErrUnreachable)
		require.ErrorContains(w, err, "does this port speak TLS?")
	})
}
