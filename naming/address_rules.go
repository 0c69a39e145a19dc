package naming

import (
	"net"
	"net/netip"
	"strings"
	"syscall"
)

// AddressRules reject addresses that a registry should not be able to make a
// client call: addresses of the client's own machine or link, and the metadata
// services of clouds, which give credentials to every caller. The zero value
// rejects:
//
//   - unspecified and loopback addresses: 0.0.0.0/8, ::, 127.0.0.0/8, ::1
//   - link-local addresses: 169.254.0.0/16, fe80::/10
//   - multicast and broadcast addresses: 224.0.0.0/4, ff00::/8, 255.255.255.255
//   - metadata services: fd00:ec2::/32 (Amazon), fd20:ce::254 (Google),
//     168.63.129.16 (Azure), 100.100.100.200 (Alibaba), 192.0.0.192 and
//     fd00:c1::a9fe:a9fe (Oracle), fd00:42::42 (Scaleway)
//   - the names of these: localhost, metadata.google.internal, instance-data
//     and the like
//   - IPv6 addresses that stand for a rejected IPv4 address: ::ffff:127.0.0.1,
//     ::127.0.0.1, 64:ff9b::7f00:1 (NAT64), 2002:7f00:1:: (6to4)
//   - what CheckAddress rejects
//
// Private addresses, such as 10.0.0.0/8, are not rejected: services have them.
//
// Use Accept with Filter, so that the instances are not shown. A name may
// resolve to any address, and to another one at each call. So use Control too:
//
//	var rules naming.AddressRules
//	orders, err := registry.Open(ctx, "orders", naming.Filter(rules.Accept))
//	dialer := &net.Dialer{Control: rules.Control}
//
// AddressRules are a value, and safe for concurrent use if the program does
// not change them.
type AddressRules struct {
	// Allow exempts addresses: netip.MustParsePrefix("127.0.0.0/8") for
	// instances on the client's own machine. It does not exempt what Deny has.
	Allow []netip.Prefix
	// Deny rejects more addresses. It has precedence over Allow.
	Deny []netip.Prefix
}

// Accept reports whether the rules accept the Address of an instance. It is a
// function for Filter. It asks no DNS server, so it accepts every name that is
// not in the list above.
func (r AddressRules) Accept(in Instance) bool { return r.Check(in.Address) == nil }

// Check returns an error that matches ErrAddress if the rules reject a host: a
// DNS name or an IP address, without a port. It asks no DNS server.
func (r AddressRules) Check(host string) error {
	ip, err := parseAddress(host)
	if err != nil {
		return err
	}
	reason := "is a name of "
	if !ip.IsValid() {
		if ip = special(host); !ip.IsValid() {
			return nil
		}
	} else {
		reason = "is "
	}
	if what := r.rejects(ip); what != "" {
		return badAddress(host, "%s%s, which the AddressRules reject", reason, what)
	}
	return nil
}

// Control is a function for the field Control of a net.Dialer. A Dialer calls
// it with each IP address before it connects, after names are resolved. The
// error matches ErrAddress if the rules reject the address. Networks without IP
// addresses, such as unix, are rejected.
//
// A client that uses a proxy dials the proxy. Then Control does not see the
// address of the instance.
func (r AddressRules) Control(network, address string, _ syscall.RawConn) error {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		host = address // an IP network has no port
	}
	if host == "" { // the way in which package net writes an unspecified address
		host = "::"
	}
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return badAddress(address, "of the network %s is not an IP address, which the AddressRules reject", network)
	}
	if what := r.rejects(ip); what != "" {
		return badAddress(address, "is %s, which the AddressRules reject", what)
	}
	return nil
}

// rejects returns what the address is if it is rejected, and "" otherwise.
func (r AddressRules) rejects(ip netip.Addr) string {
	ip = ip.WithZone("").Unmap()
	all := []netip.Addr{ip}
	if inner := embedded(ip); inner.IsValid() {
		all = append(all, inner)
	}
	for _, a := range all {
		if within(r.Deny, a) {
			return "in Deny"
		}
	}
	if within(r.Allow, ip) {
		return ""
	}
	for _, a := range all {
		if within(r.Allow, a) {
			continue
		}
		for _, b := range specialRanges {
			if b.prefix.Contains(a) {
				return b.what
			}
		}
	}
	return ""
}

func within(prefixes []netip.Prefix, ip netip.Addr) bool {
	for _, p := range prefixes {
		if p.Contains(ip) {
			return true
		}
	}
	return false
}

// embedded returns the IPv4 address that an IPv6 address stands for. The result
// is not valid for other addresses.
func embedded(ip netip.Addr) netip.Addr {
	if !ip.Is6() {
		return netip.Addr{}
	}
	b := ip.As16()
	switch {
	case within(lowBits, ip):
		return netip.AddrFrom4([4]byte(b[12:]))
	case sixToFour.Contains(ip):
		return netip.AddrFrom4([4]byte(b[2:6]))
	}
	return netip.Addr{}
}

var (
	// lowBits has the prefixes of addresses whose last four bytes are an IPv4
	// address: IPv4-compatible, translated (RFC 2765), NAT64.
	lowBits = []netip.Prefix{
		netip.MustParsePrefix("::/96"), netip.MustParsePrefix("::ffff:0:0:0/96"),
		netip.MustParsePrefix("64:ff9b::/96"), netip.MustParsePrefix("64:ff9b:1::/48"),
	}
	sixToFour = netip.MustParsePrefix("2002::/16")
)

type addressRange struct {
	prefix netip.Prefix
	what   string
}

const (
	ownMachine = "an address of the client's own machine"
	ownLink    = "a link-local address"
	metadata   = "an address of a cloud's metadata service"
	toMany     = "a multicast or broadcast address"
)

var specialRanges = []addressRange{
	{netip.MustParsePrefix("::/128"), ownMachine},
	{netip.MustParsePrefix("::1/128"), ownMachine},
	{netip.MustParsePrefix("0.0.0.0/8"), ownMachine},
	{netip.MustParsePrefix("127.0.0.0/8"), ownMachine},
	{netip.MustParsePrefix("169.254.0.0/16"), ownLink},
	{netip.MustParsePrefix("fe80::/10"), ownLink},
	{netip.MustParsePrefix("224.0.0.0/4"), toMany},
	{netip.MustParsePrefix("255.255.255.255/32"), toMany},
	{netip.MustParsePrefix("ff00::/8"), toMany},
	{netip.MustParsePrefix("fd00:ec2::/32"), metadata},
	{netip.MustParsePrefix("fd20:ce::254/128"), metadata},
	{netip.MustParsePrefix("168.63.129.16/32"), metadata},
	{netip.MustParsePrefix("100.100.100.200/32"), metadata},
	{netip.MustParsePrefix("192.0.0.192/32"), metadata},
	{netip.MustParsePrefix("fd00:c1::a9fe:a9fe/128"), metadata},
	{netip.MustParsePrefix("fd00:42::42/128"), metadata},
}

var (
	localhost       = netip.MustParseAddr("127.0.0.1")
	metadataService = netip.MustParseAddr("169.254.169.254")
)

// specialNames has the host names that resolve to a rejected address wherever they
// resolve.
var specialNames = map[string]netip.Addr{
	"localhost": localhost, "localhost.localdomain": localhost, "ip6-localhost": localhost, "ip6-loopback": localhost,
	"metadata": metadataService, "metadata.goog": metadataService, "metadata.google.internal": metadataService,
	"metadata.azure.internal": metadataService, "metadata.tencentyun.com": metadataService,
	"instance-data": metadataService, "instance-data.ec2.internal": metadataService,
}

// special returns the address that a host name resolves to wherever it
// resolves. The result is not valid for other names.
func special(host string) netip.Addr {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if strings.HasSuffix(host, ".localhost") {
		return localhost
	}
	return specialNames[host]
}
