package inspect

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/session"
)

// The fields of an owner are fields of one JSON object, with and without a
// finding around them.
func TestOwner_json(t *testing.T) {
	full := Owner{
		Owner: session.Owner{
			ID: "a", Host: "h", PID: 7, Session: 0x1f, Since: time.Unix(0, 0).UTC(), Token: 9, Path: "/l/n", Hidden: true,
		},
		ParentSessions: []session.ID{0x2f}, Layout: Docent, Mode: ModeRead, Revoked: true, LeftOut: true,
	}
	const fields = `"id":"a","host":"h","pid":7,"session":"0x1f","since":"1970-01-01T00:00:00Z","token":9,"path":"/l/n",` +
		`"hidden":true,"under":["0x2f"],"layout":"docent","mode":"read","revoked":true,"leftOut":true`
	for _, c := range []struct {
		value any
		want  string
	}{
		{full, "{" + fields + "}"},
		{Claim{"3", full}, `{"partition":"3",` + fields + "}"},
		{ItemClaim{"item-1", full}, `{"item":"item-1",` + fields + "}"},
		{Instance{Owner: full, Port: 80}, "{" + fields + `,"port":80}`},
		{Owner{}, `{"since":"0001-01-01T00:00:00Z","token":0,"path":""}`},
		{Plain{Session: 1}, `{"kind":"","path":"","session":"0x1"}`},
	} {
		text, err := json.Marshal(c.value)
		require.NoError(t, err)
		require.JSONEq(t, c.want, string(text))
	}
}
