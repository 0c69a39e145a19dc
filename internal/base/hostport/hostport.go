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
			return "", 0, bare(text, ip)
		}
		return "", 0, errors.New("it has more than one colon: write host:port")
	}
	if err := checkHost(host); err != nil {
		return "", 0, err
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

// parsePort accepts decimal digits without a leading zero: some programs read
// 010 as eight.
func parsePort(text string) (int, error) {
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > 65535 || strconv.Itoa(n) != text {
		return 0, fmt.Errorf("its port %q is not a number from 1 to 65535", text)
	}
	return n, nil
}

// checkHost accepts an IPv4 address or a DNS name, with underscores, as
// container platforms make them.
func checkHost(host string) error {
	if host == "" {
		return errors.New("its host is missing: write host:port")
	}
	numeric := true
	for _, r := range host {
		digit := r >= '0' && r <= '9'
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
		if !digit && !letter && r != '.' && r != '-' && r != '_' {
			return fmt.Errorf("its host %q has the character %q: write a DNS name or an IP address", host, r)
		}
		numeric = numeric && (digit || r == '.')
	}
	if numeric {
		if _, err := netip.ParseAddr(host); err != nil {
			return fmt.Errorf("its host %q is neither an IPv4 address nor a DNS name", host)
		}
		return nil
	}
	for label := range strings.SplitSeq(strings.TrimSuffix(host, "."), ".") {
		if label == "" || label[0] == '-' {
			return fmt.Errorf("its host %q is not a DNS name", host)
		}
	}
	return nil
}
