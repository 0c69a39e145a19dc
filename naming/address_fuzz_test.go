package naming_test

import (
	"net"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/docent-go/docent/naming"
)

// What the rules accept is not a rejected address for any reader: package net,
// inet_aton, or a URL.
func FuzzAddressRules(f *testing.F) {
	for _, list := range [][]string{unusable, usable, rejected, accepted} {
		for _, host := range list {
			f.Add(host)
		}
	}
	var rules naming.AddressRules
	f.Fuzz(func(t *testing.T, host string) {
		err := naming.Instance{Address: host}.CheckAddress()
		ruled := rules.Check(host)
		if err != nil {
			if ruled == nil {
				t.Fatalf("%q: the rules accept what CheckAddress rejects: %v", host, err)
			}
			return
		}
		at := naming.Instance{Address: host, Port: 80}.HostPort()
		dialled, port, err := net.SplitHostPort(at)
		if err != nil || port != "80" {
			t.Fatalf("%q is dialled as %q: %v", host, at, err)
		}
		bare, zone, _ := strings.Cut(strings.Trim(host, "[]"), "%")
		if dialled != strings.Trim(host, "[]") {
			t.Fatalf("%q is dialled as %q", host, dialled)
		}
		if zone == "" { // a zone is escaped in a URL
			if u, err := url.Parse("http://" + at + "/x"); err != nil || u.Host != at || u.Path != "/x" || u.User != nil || u.Hostname() != dialled {
				t.Fatalf("%q is another URL: %v %v", host, u, err)
			}
		}
		ip := net.ParseIP(bare)
		if number := inetAton(bare); number != nil {
			if ip == nil || !ip.Equal(number) {
				t.Fatalf("%q is %s for inet_aton, and %v for package net", host, number, ip)
			}
		}
		if ip == nil {
			return
		}
		if ip.IsUnspecified() {
			t.Fatalf("%q is unspecified", host)
		}
		control := rules.Control("tcp", at, nil)
		if (control == nil) != (ruled == nil) {
			t.Fatalf("%q: Check says %v, Control says %v", host, ruled, control)
		}
		if ruled == nil && (ip.IsLoopback() || ip.IsLinkLocalUnicast() || ip.IsMulticast() || ip.Equal(net.IPv4bcast)) {
			t.Fatalf("the rules accept %q", host)
		}
	})
}

// inetAton reads an IPv4 address as the C function does: one to four numbers,
// decimal, octal or hexadecimal, of which the last fills the remaining bytes.
func inetAton(s string) net.IP {
	parts := strings.Split(s, ".")
	if len(parts) > 4 {
		return nil
	}
	var value uint64
	for i, part := range parts {
		base := 10
		if lower := strings.ToLower(part); strings.HasPrefix(lower, "0x") {
			part, base = part[2:], 16
		} else if len(part) > 1 && part[0] == '0' {
			part, base = part[1:], 8
		}
		n, err := strconv.ParseUint(part, base, 32)
		if err != nil {
			return nil
		}
		bits := 8
		if i == len(parts)-1 {
			bits = 8 * (5 - len(parts))
		}
		if n >= 1<<bits {
			return nil
		}
		value = value<<bits | n
	}
	return net.IPv4(byte(value>>24), byte(value>>16), byte(value>>8), byte(value))
}
