// Package hostport parses the addresses of servers as users write them. It
// rejects ambiguous text: a list, a URL, an IPv6 address without brackets,
// whose last group could be a port.
package hostport

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// Parse splits "host:port", "host", "[ipv6]:port" or "[ipv6]". The host comes
// without brackets; the port is zero if the text has no port. The error says
// what is wrong, without quoting the whole text.
func Parse(text string) (host string, port int, err error) {
	switch {
	case text == "":
		return "", 0, errors.New("it is empty")
	case strings.Contains(text, "://"):
		return "", 0, errors.New("it begins with a scheme: write host:port alone")
	case strings.ContainsRune(text, '@'):
		return "", 0, errors.New("it has an @: write host:port alone, credentials go elsewhere")
	case strings.ContainsAny(text, ",; \t\r\n"):
		return "", 0, errors.New("it has a space, a comma or a semicolon: write one host:port")
	case strings.ContainsRune(text, '/'):
		return "", 0, errors.New("it has a slash: write host:port without a path")
	case text[0] == '[':
		return bracketed(text)
	}
	host, portText, hasPort := strings.Cut(text, ":")
	if strings.ContainsRune(portText, ':') {
		if ip, err := netip.ParseAddr(text); err == nil {
			if !ValidZone(ip.Zone()) {
				return "", 0, errZone
			}
			return "", 0, bare(text, ip)
		}
		return "", 0, errors.New("it has more than one colon: write host:port")
	}
	if host == "" {
		return "", 0, errors.New("its host is missing: write host:port")
	}
	if err := CheckHost(host); err != nil {
		return "", 0, fmt.Errorf("its host %q %w", host, err)
	}
	if hasPort {
		if port, err = parsePort(portText); err != nil {
			return "", 0, err
		}
	}
	return host, port, nil
}

// bare is the error for an IPv6 address without brackets. Its last group may be
// meant as a port.
func bare(text string, ip netip.Addr) error {
	at := strings.LastIndexByte(text, ':')
	if shorter, err := netip.ParseAddr(text[:at]); err == nil {
		if _, err := parsePort(text[at+1:]); err == nil {
			return fmt.Errorf("an IPv6 address needs brackets: write [%s]%s, or [%s]:port", shorter, text[at:], ip)
		}
	}
	return fmt.Errorf("an IPv6 address needs brackets: write [%s]:port", ip)
}

func bracketed(text string) (host string, port int, err error) {
	inner, rest, closed := strings.Cut(text[1:], "]")
	if !closed {
		return "", 0, errors.New("its bracket is not closed: write [ipv6]:port")
	}
	ip, err := netip.ParseAddr(inner)
	if err != nil || !ip.Is6() {
		return "", 0, fmt.Errorf("%q in its brackets is not an IPv6 address", inner)
	}
	if !ValidZone(ip.Zone()) {
		return "", 0, errZone
	}
	if rest == "" {
		return ip.String(), 0, nil
	}
	portText, ok := strings.CutPrefix(rest, ":")
	if !ok {
		return "", 0, fmt.Errorf("%q follows its bracket: write [ipv6]:port", rest)
	}
	if port, err = parsePort(portText); err != nil {
		return "", 0, err
	}
	return ip.String(), port, nil
}

var errZone = errors.New("its zone is not the name of a network interface: write one such as [fe80::1%eth0]:port")

// ValidZone reports whether the zone of an IPv6 address looks like the name of
// a network interface, or is empty. Package netip accepts any characters in a
// zone: control characters, and a second address (2001:db8::1%]@h/).
func ValidZone(zone string) bool {
	return !strings.ContainsFunc(zone, func(r rune) bool { return !digit(r) && !letter(r) && !strings.ContainsRune("._-", r) })
}

// parsePort accepts decimal digits without a leading zero: some programs read
// 010 as eight.
func parsePort(text string) (int, error) {
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > 65535 || strconv.Itoa(n) != text {
		return 0, fmt.Errorf("its port %q is not a number from 1 to 65535", text)
	}
	return n, nil
}

// CheckHost accepts an IPv4 address or a DNS name in ASCII, with underscores, as
// container platforms make them. It rejects names that some resolvers read as
// an IPv4 address: 127.1, 0177.0.0.1, 2130706433, 0x7f000001. The error is what
// follows "the host".
func CheckHost(host string) error {
	name := strings.TrimSuffix(host, ".")
	if name == "" {
		return errors.New("is empty: write a DNS name or an IP address")
	}
	for _, r := range host {
		if !digit(r) && !letter(r) && r != '.' && r != '-' && r != '_' {
			return fmt.Errorf("has the character %q: write a DNS name or an IP address", r)
		}
	}
	if numeric(host) {
		if _, err := netip.ParseAddr(host); err != nil {
			return errors.New("is neither an IPv4 address nor a DNS name")
		}
		return nil
	}
	if len(name) > 253 {
		return errors.New("is longer than a DNS name can be")
	}
	for label := range strings.SplitSeq(name, ".") {
		if label == "" || label[0] == '-' || len(label) > 63 {
			return errors.New("is not a DNS name")
		}
	}
	return nil
}

func digit(r rune) bool  { return r >= '0' && r <= '9' }
func letter(r rune) bool { return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' }

// numeric reports whether all labels are numbers, as inet_aton reads them:
// decimal, octal or hexadecimal.
func numeric(host string) bool {
	for label := range strings.SplitSeq(host, ".") {
		digits, hex := strings.CutPrefix(strings.ToLower(label), "0x")
		for _, r := range digits {
			if !digit(r) && !(hex && r >= 'a' && r <= 'f') {
				return false
			}
		}
	}
	return true
}
