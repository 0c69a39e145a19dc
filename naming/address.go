package naming

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"github.com/docent-go/docent/internal/base/hostport"
)

// ErrAddress says that an address cannot be called, or that AddressRules reject
// it. Compare with errors.Is.
var ErrAddress = errors.New("the address is rejected")

// addressError is why an address is rejected.
type addressError struct{ address, reason string }

func (e *addressError) Error() string { return fmt.Sprintf("the address %q %s", e.address, e.reason) }

// Is reports whether target is ErrAddress.
func (e *addressError) Is(target error) bool { return target == ErrAddress }

func badAddress(address, format string, args ...any) error {
	const limit = 80
	if len(address) > limit {
		address = strings.ToValidUTF8(address[:limit], "") + "..."
	}
	return &addressError{address, fmt.Sprintf(format, args...)}
}

// CheckAddress returns an error that matches ErrAddress unless clients on other
// machines can call the Address: a DNS name in ASCII, or an IP address of one
// machine, which is neither unspecified nor multicast nor broadcast. An IPv6
// address may have brackets. A port, a scheme, a path
// or a second address in the text is an error: clients read such text in
// different ways. A name that some resolvers read as a number is an error too:
// 127.1, 2130706433. CheckAddress asks no DNS server. See AddressRules for
// addresses that a client should not call.
func (in Instance) CheckAddress() error {
	_, err := parseAddress(in.Address)
	return err
}

// parseAddress returns the IP address in an instance's address, without zone
// and not mapped to IPv6. For a DNS name the result is not valid.
func parseAddress(address string) (netip.Addr, error) {
	if address == "" {
		return netip.Addr{}, badAddress(address, "is empty: register the instance with a host name or an IP address")
	}
	bare := address
	if inner, ok := strings.CutPrefix(address, "["); ok {
		if bare, ok = strings.CutSuffix(inner, "]"); !ok || !strings.Contains(bare, ":") {
			return netip.Addr{}, badAddress(address, "has brackets that do not hold an IPv6 address")
		}
	}
	if strings.Contains(bare, ":") {
		ip, err := netip.ParseAddr(bare)
		if err != nil {
			return netip.Addr{}, badAddress(address, "has a colon and is not an IPv6 address: write the port into Port")
		}
		if !hostport.ValidZone(ip.Zone()) {
			return netip.Addr{}, badAddress(address, "has a zone that is not the name of a network interface")
		}
		return ofOneMachine(address, ip)
	}
	if err := hostport.CheckHost(bare); err != nil {
		return netip.Addr{}, badAddress(address, "%v", err)
	}
	ip, err := netip.ParseAddr(bare)
	if err != nil {
		return netip.Addr{}, nil // a DNS name
	}
	return ofOneMachine(address, ip)
}

var (
	thisNetwork = netip.MustParsePrefix("0.0.0.0/8")
	broadcast   = netip.AddrFrom4([4]byte{255, 255, 255, 255})
)

// ofOneMachine rejects an address that no client can connect to.
func ofOneMachine(address string, ip netip.Addr) (netip.Addr, error) {
	ip = ip.WithZone("").Unmap()
	switch {
	case ip.IsUnspecified():
		return netip.Addr{}, badAddress(address, "stands for every address of a machine: register one that clients can call")
	case ip.IsMulticast() || ip == broadcast:
		return netip.Addr{}, badAddress(address, "stands for many machines: register the address of one")
	case thisNetwork.Contains(ip):
		return netip.Addr{}, badAddress(address, "is in 0.0.0.0/8, whose addresses no client can call")
	}
	return ip, nil
}

// callable reports whether a Balancer may pick the instance by its address. An
// instance without an address and ports says in another way how to call it.
func (in *Instance) callable() bool {
	return in.Address == "" && in.Port == 0 && in.SSLPort == 0 || in.CheckAddress() == nil
}

// registrable is the error of Register and Update for an address that no client
// could call.
func (in *Instance) registrable() error {
	if in.callable() {
		return nil
	}
	return in.CheckAddress()
}
