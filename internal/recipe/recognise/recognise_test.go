package recognise_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/recipe/recognise"
	"github.com/docent-go/docent/session"
)

const guid = "_c_0c42bf25-0f3d-4b3c-9d0c-6f2f3f4a5b6c-"

func TestKindOf(t *testing.T) {
	for name, kind := range map[string]recognise.Kind{
		guid + "lock-0000000001": recognise.Lock, "lock-0000000001": recognise.Lock,
		"0123456789abcdef0123456789abcdef__lock__0000000001": recognise.Lock,
		guid + "__READ__0000000001":                          recognise.RWLock, "a__rlock__0000000001": recognise.RWLock,
		guid + "latch--2147483648": recognise.Latch, guid + "lease-0000000000": recognise.Lease,
		"queue-0000000001": recognise.Item, "queue-1000000050000000001": recognise.Item, "queue-|0191A2B3C4D5|0000000001": recognise.Item,
		"qn-0000000001": recognise.Item, "entry-100-0000000001": recognise.Item,
		guid + "once-0000000001": recognise.Call, "once-0000000001": recognise.Unknown,
		"queue-0000000001.2f": recognise.Letter, "set-ABCDEFGHIJKLMNOPQRSTUVWXYZ-0000000001": recognise.Value,

		"lock-1": recognise.Unknown, "lock-": recognise.Unknown, "queue-size": recognise.Unknown, "queue": recognise.Unknown,
		"entry-x-0000000001": recognise.Unknown, "qn-": recognise.Unknown, "limits": recognise.Unknown, "0000000001": recognise.Unknown,
		"queue-0000000001.": recognise.Unknown, "queue-0000000001.properties": recognise.Unknown, "config-0000000001": recognise.Unknown,
		"": recognise.Unknown, "latch-00000000001": recognise.Unknown, "set-abc-0000000001": recognise.Unknown,
	} {
		require.Equal(t, kind, recognise.KindOf(name), name)
	}
}

func TestNode(t *testing.T) {
	instance := `{"name":"orders","id":"i1","address":"h","port":80,"registrationTimeUTC":1,"serviceType":"STATIC"}`
	for _, c := range []struct {
		path, data string
		stat       session.Stat
		what       string
	}{
		{"/a/key", "x", session.Stat{EphemeralOwner: -1}, "it belongs to the session 0xffffffffffffffff"},
		{"/a/queue-0000000001", "x", session.Stat{}, "an item of a queue"},
		{"/a/gate", `{"host":"h","pid":1}`, session.Stat{}, "it is a gate"},
		{"/a/gate", `{"host":"h","pid":1}`, session.Stat{NumChildren: 1}, ""},
		{"/a/gate", `{"host":"h","pid":"1"}`, session.Stat{}, ""},
		{"/a/gate", `{"host":"","pid":1}`, session.Stat{}, ""},
		{"/a/gate", `{"host":"h","pid":1,"port":1}`, session.Stat{}, ""},
		{"/a/job", `{"once":"never"}`, session.Stat{}, "the record of a job"},
		{"/a/job", `{"once":"done","run":"` + guid + `once-0000000001"}`, session.Stat{NumChildren: 1}, "the record of a job"},
		{"/a/job", `{"once":"done","run":"x"}`, session.Stat{}, ""},
		{"/a/job", `{"once":"never","run":"x"}`, session.Stat{}, ""},
		{"/a/job", `{"once":1}`, session.Stat{}, ""},
		{"/a/ready", `{"round":1,"members":["a"]}`, session.Stat{}, "the round of a rendezvous"},
		{"/a/other", `{"round":1,"members":["a"]}`, session.Stat{}, ""},
		{"/services/orders/i1", instance, session.Stat{}, "an instance of the service orders"},
		{"/services/orders/i2", instance, session.Stat{}, ""},
		{"/dubbo/org.Api/providers/dubbo%3A%2F%2F10.0.0.1%3A20880%2Forg.Api", "", session.Stat{}, "an instance of a service"},
		{"/config/urls/http%3A%2F%2Fh", "", session.Stat{}, ""},
		{"/a/key", `{"name":"i1"`, session.Stat{}, ""},
		{"/a/key", "", session.Stat{}, ""},
	} {
		got := recognise.Node(c.path, []byte(c.data), c.stat)
		if c.what == "" {
			require.Empty(t, got, "%s %s", c.path, c.data)
		}
		require.Contains(t, got, c.what, "%s %s", c.path, c.data)
	}
}

func TestDirectory(t *testing.T) {
	for _, c := range []struct {
		children []string
		what     string
	}{
		{[]string{"key", guid + "lock-0000000001"}, "a lock"},
		{[]string{guid + "latch-0000000001"}, "an election"},
		{[]string{"leases"}, "a semaphore"},
		{[]string{"leases", "locks"}, "a semaphore"},
		{[]string{"items", "dead"}, "a queue"},
		{[]string{"taken", "entries"}, "a queue"},
		{[]string{"queue-0000000001.2f"}, "a queue"},
		{[]string{"set-ABCDEFGHIJKLMNOPQRSTUVWXYZ-0000000001"}, ""},
		{[]string{"locks"}, ""}, {[]string{"items"}, ""}, {[]string{"leases", "rents"}, ""}, {[]string{"items", "dead", "prices"}, ""}, {nil, ""},
	} {
		got := recognise.Directory(c.children)
		require.Equal(t, c.what == "", got == "", c.children)
		require.Contains(t, got, c.what, c.children)
	}
}

func TestIsNumber(t *testing.T) {
	for data, is := range map[string]bool{
		"\x00\x00\x00\x00\x00\x00\x00\x05": true, "\xff\xff\xff\xff\xff\xff\xff\xfe": true, "\x00\x00\x00\x05": true,
		"12345678": false, "1234": false, "\x01\x02\x03\x04\x05\x06\x07\x08": false, "": false, "\x00\x00": false, "\x00\x00\x00\x00\x00": false,
	} {
		require.Equal(t, is, recognise.IsNumber([]byte(data)), "%q", data)
	}
}

// No data and no name makes Node or Directory panic. Node says nothing about an
// empty znode whose name has no kind.
func FuzzNode(f *testing.F) {
	f.Add("gate", []byte(`{"host":"h","pid":1}`))
	f.Add("ready", []byte(`{"round":1,"members":null}`))
	f.Add("a", []byte(`{`))
	f.Fuzz(func(t *testing.T, name string, data []byte) {
		what := recognise.Node("/dir/"+name, data, session.Stat{})
		if len(data) == 0 && recognise.KindOf(name) == recognise.Unknown {
			require.Empty(t, what)
		}
		recognise.Directory([]string{name})
	})
}
