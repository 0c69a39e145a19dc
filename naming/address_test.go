package naming_test

import (
	"net"
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/naming"
)

// unusable are addresses that no client on another machine can call, or that
// clients read in different ways.
var unusable = []string{
	":8080", "h:8080", "10.0.0.1:80", "http://h", "http://h:1", "a,b", "a b", "h/x", "h?x", "h#x", "u@h", `h\x`, "h\n",
	" h", "h ", "\th", " ", "[::1] ", "h:", "h:0", "[fe80::1%eth0", "fe80::1%25eth0%x",
	"224.0.0.1", "239.1.2.3", "255.255.255.255", "::ffff:224.0.0.1", "ff02::1", "[ff02::1]", "ff02::1%eth0", "0.0.0.1", "::ffff:0.1.2.3",
	"0.0.0.0", "::", "[::]", "::ffff:0.0.0.0", "[::1", "::1]", "[h]", "[10.0.0.1]", "[]", "1::2::3", "fe80::1%", "10.0.0.1%eth0",
	"2001:db8::1%]@169.254.169.254/", "fe80::1%eth0 -o", "fe80::1%$(id)", "[fe80::1%a]b]",
	"127.1", "0177.0.0.1", "127.0.0.01", "2130706433", "0x7f000001", "0x7f.1", "10.0.0.256", "1.2.3.4.",
	"unix:/run/x.sock", "unix:///run/x.sock", "unix-abstract:x", "/run/x.sock", "@x", "-h", ".h", "h..x", ".",
	"bücher.example", "１２７.0.0.1", "127。0。0。1", "h%41", "\xff", strings.Repeat("a", 64), strings.Repeat("a.", 127) + "a",
}

var usable = []string{
	"240.0.0.1", "[fe80::1%eth0]", "h", "H.example", "h.example.", "a_b.svc", "10.0.0.1", "127.0.0.1", "::1", "[::1]", "fe80::1%eth0", "::ffff:10.0.0.1", "2001:db8::1",
	"1.zk.example", "xn--bcher-kva.example", "0a1b2c3d",
}

func TestFault29_CheckAddress(t *testing.T) {
	for _, address := range unusable {
		err := naming.Instance{Address: address}.CheckAddress()
		require.ErrorIs(t, err, naming.ErrAddress, "%q", address)
		require.Less(t, len(err.Error()), 250)
	}
	for _, address := range usable {
		require.NoError(t, naming.Instance{Address: address}.CheckAddress(), "%q", address)
	}
	require.ErrorIs(t, naming.Instance{Port: 80}.CheckAddress(), naming.ErrAddress)
}

// Addresses that cannot be called are neither registered nor picked. Their
// instances stay in the View.
func TestFault29_UnusableAddresses(t *testing.T) {
	for _, s := range strategies() {
		all := instances(2)
		for i, address := range append(unusable, "") {
			all = append(all, naming.Instance{ID: "bad" + string(rune('a'+i)), Address: address, Port: 80})
		}
		b := naming.NewBalancer(naming.NewList(all...), s)
		got := counts(t, b, 1000)
		require.Len(t, got, 2, "%s: %v", s, got)
		b = naming.NewBalancer(naming.NewList(all[2:]...), s)
		_, err := b.Pick("key")
		require.ErrorIs(t, err, naming.ErrNoInstance)
		require.ErrorContains(t, err, "usable address")
	}
}

// rejected has each kind of address that AddressRules reject, in each spelling.
var rejected = []string{
	"127.0.0.1", "127.255.255.254", "::1", "[::1]", "::1%lo", "localhost", "LOCALHOST", "localhost.", "a.localhost", "ip6-localhost",
	"0.0.0.0", "0.0.0.1", "::", "169.254.0.1", "169.254.169.254", "fe80::1", "fe80::1%eth0", "febf::1", "224.0.0.1", "239.1.2.3",
	"255.255.255.255", "ff02::1", "ff02::1%eth0", "fd00:ec2::254", "fd00:ec2::23", "fd20:ce::254", "168.63.129.16", "100.100.100.200",
	"192.0.0.192", "fd00:c1::a9fe:a9fe", "fd00:42::42",
	"metadata.google.internal", "METADATA.Google.Internal.", "metadata", "metadata.goog", "instance-data", "instance-data.ec2.internal",
	"::ffff:127.0.0.1", "::ffff:7f00:1", "[::ffff:169.254.169.254]", "::ffff:127.0.0.1%lo", "::127.0.0.1", "::ffff:0:127.0.0.1",
	"64:ff9b::169.254.169.254", "64:ff9b:1::a9fe:a9fe", "2002:7f00:1::", "2002:a9fe:a9fe::1",
}

var accepted = []string{
	"10.0.0.1", "172.16.0.1", "192.168.1.1", "100.64.0.1", "100.100.100.201", "168.63.129.17", "8.8.8.8", "2001:db8::1", "fd00::1", "fc00::1",
	"::ffff:10.0.0.1", "64:ff9b::10.0.0.1", "2002:a00:1::", "orders.internal", "localhost.example", "metadata.example",
}

func TestFault45_AddressRules(t *testing.T) {
	var rules naming.AddressRules
	for _, host := range append(rejected, unusable...) {
		require.ErrorIs(t, rules.Check(host), naming.ErrAddress, "%q", host)
		require.False(t, rules.Accept(naming.Instance{Address: host, Port: 80}), "%q", host)
	}
	require.False(t, rules.Accept(naming.Instance{Port: 80}), "no address is the client's own machine")
	for _, host := range accepted {
		require.NoError(t, rules.Check(host), "%q", host)
		require.True(t, rules.Accept(naming.Instance{Address: host, Port: 80}), "%q", host)
	}
	require.EqualError(t, rules.Check("169.254.169.254"), `the address "169.254.169.254" is a link-local address, which the AddressRules reject`)
	require.EqualError(t, rules.Check("localhost"), `the address "localhost" is a name of an address of the client's own machine, which the AddressRules reject`)
}

func TestFault45_AddressRules_AllowAndDeny(t *testing.T) {
	rules := naming.AddressRules{
		Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")},
		Deny:  []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("127.0.0.9/32")},
	}
	for _, host := range []string{"127.0.0.1", "::1", "localhost", "::ffff:127.0.0.1", "192.168.0.1"} {
		require.NoError(t, rules.Check(host), host)
	}
	for _, host := range []string{"127.0.0.9", "10.1.1.1", "::ffff:10.0.0.1", "64:ff9b::10.0.0.1", "169.254.169.254", "metadata"} {
		require.ErrorIs(t, rules.Check(host), naming.ErrAddress, host)
	}
}

// Control sees the address that a name has been resolved to.
func TestFault45_AddressRules_Control(t *testing.T) {
	var rules naming.AddressRules
	for _, address := range []string{
		"127.0.0.1:80", "[::1]:80", "[fe80::1%eth0]:80", ":80", "0.0.0.0:80", "[::]:80", "[::ffff:127.0.0.1]:80", "169.254.169.254:80", "127.0.0.1",
	} {
		require.ErrorIs(t, rules.Control("tcp", address, nil), naming.ErrAddress, address)
	}
	require.ErrorIs(t, rules.Control("unix", "/run/x.sock", nil), naming.ErrAddress)
	require.NoError(t, rules.Control("tcp4", "10.0.0.1:80", nil))
	require.NoError(t, rules.Control("tcp6", "[2001:db8::1]:80", nil))

	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	require.NoError(t, err)
	dialer := &net.Dialer{Control: rules.Control}
	for _, host := range []string{"127.0.0.1", "localhost", "", "0.0.0.0", "::ffff:127.0.0.1"} {
		_, err := dialer.DialContext(t.Context(), "tcp", net.JoinHostPort(host, port))
		require.ErrorIs(t, err, naming.ErrAddress, "%q", host)
	}
	dialer.Control = naming.AddressRules{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}.Control
	conn, err := dialer.DialContext(t.Context(), "tcp", l.Addr().String())
	require.NoError(t, err)
	require.NoError(t, conn.Close())
}
