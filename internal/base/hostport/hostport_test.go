package hostport_test

import (
	"net"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/base/hostport"
)

func TestParse(t *testing.T) {
	for text, want := range map[string]struct {
		host string
		port int
	}{
		"zk1":                      {"zk1", 0},
		"zk1:2181":                 {"zk1", 2181},
		"zk-1.prod_a.example.:1":   {"zk-1.prod_a.example.", 1},
		"10.0.0.7:65535":           {"10.0.0.7", 65535},
		"[::1]":                    {"::1", 0},
		"[2001:DB8:0::1]:99":       {"2001:db8::1", 99},
		"[fe80::1%eth0]:2181":      {"fe80::1%eth0", 2181},
		"1.zk.example":             {"1.zk.example", 0},
		"0a1b2c3d.svc:8080":        {"0a1b2c3d.svc", 8080},
		"[::ffff:10.0.0.7]:2181":   {"::ffff:10.0.0.7", 2181},
		"xn--bcher-kva.example:80": {"xn--bcher-kva.example", 80},
	} {
		host, port, err := hostport.Parse(text)
		require.NoError(t, err, text)
		require.Equal(t, want.host, host, text)
		require.Equal(t, want.port, port, text)
	}
}

// Ambiguous or invalid text is rejected.
func TestFault08_Parse(t *testing.T) {
	for text, reason := range map[string]string{
		"":                   "empty",
		"zk://zk1:2181":      "scheme",
		"http://h":           "scheme",
		"ann:pw@zk1:2181":    "credentials go elsewhere",
		"zk1:2181,zk2:2181":  "comma",
		"zk1;zk2":            "semicolon",
		" zk1":               "space",
		"zk1:2181\n":         "space",
		"zk1:2181/app":       "slash",
		"zk1:2181:2182":      "more than one colon",
		"::1":                "write [::1]:port",
		"2001:db8::1:2181":   "write [2001:db8::1]:2181, or [2001:db8::1:2181]:port",
		"fe80::1%eth0":       "brackets",
		"fe80::1%\x1b[31m":   "zone",
		"fe80::1%\u202e":     "zone",
		"[fe80::1%\u202e]:1": "zone",
		"[fe80::1%\x1b[31m]": "zone",
		"[fe80::1%a]@h]:1":   "@",
		"[zk1]:2181":         "not an IPv6 address",
		"[10.0.0.7]:2181":    "not an IPv6 address",
		"[::1":               "not closed",
		"[::1]2181":          "follows its bracket",
		"[::1]:":             "port",
		"[]:2181":            "not an IPv6 address",
		":2181":              "host is missing",
		"zk1:":               "port",
		"zk1:0":              "port",
		"zk1:65536":          "port",
		"zk1:-1":             "port",
		"zk1:+1":             "port",
		"zk1:02181":          "port",
		"zk1:0x885":          "port",
		"zk1:http":           "port",
		"2181":               "neither an IPv4 address nor a DNS name",
		"10.0.0.256:2181":    "neither",
		"010.0.0.1:2181":     "neither",
		"10.1:2181":          "neither",
		"1.2.3.4.:2181":      "neither",
		"0x7f000001:2181":    "neither",
		"0X7f.0.0.1:2181":    "neither",
		"0x7f.1.:2181":       "neither",
		"zk1..example":       "not a DNS name",
		"-zk1":               "not a DNS name",
		".zk1":               "not a DNS name",
		"${ZK}":              "character",
		"\"zk1":              "character",
		"zk1?":               "character",
		"SERVERS=zk1:2181":   "character",
		"bücher:2181":        "character",
		"zk1\uff1a2181":      "character", // a full-width colon
		"zk1:2181\uff0czk2":  "port",      // a full-width comma
		"zk1\x00":            "character",
		"zk1\xff":            "character",
		"zk1:2181\\zk2:2181": "more than one colon",
	} {
		_, _, err := hostport.Parse(text)
		require.ErrorContains(t, err, reason, "%q", text)
		require.NotContains(t, err.Error(), "pw@")
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"", "zk1:2181", "[::1]:2181", "::1", "a:b:c", "10.0.0.7", "[fe80::1%a]:1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		host, port, err := hostport.Parse(text)
		if err != nil {
			if host != "" || port != 0 {
				t.Fatalf("%q: an error, and %q %d", text, host, port)
			}
			return
		}
		if host == "" || port < 0 || port > 65535 {
			t.Fatalf("%q: %q %d", text, host, port)
		}
		if port == 0 {
			port = 1
		}
		written := net.JoinHostPort(host, strconv.Itoa(port))
		host2, port2, err := hostport.Parse(written)
		if err != nil || host2 != host || port2 != port {
			t.Fatalf("%q is written %q, which is %q %d %v", text, written, host2, port2, err)
		}
	})
}
