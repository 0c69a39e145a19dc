package kerberos

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jcmturner/gokrb5/v8/config"
	"github.com/jcmturner/gokrb5/v8/crypto"
	"github.com/jcmturner/gokrb5/v8/iana/errorcode"
	"github.com/jcmturner/gokrb5/v8/iana/etypeID"
	"github.com/jcmturner/gokrb5/v8/iana/keyusage"
	"github.com/jcmturner/gokrb5/v8/iana/msgtype"
	"github.com/jcmturner/gokrb5/v8/messages"
	"github.com/jcmturner/gokrb5/v8/types"
	"github.com/stretchr/testify/require"
)

// fakeKDC issues tickets in memory.
type fakeKDC struct {
	t       *testing.T
	session types.EncryptionKey // of the clients' ticket-granting tickets
	asked   int                 // for tickets of servers
	away    atomic.Bool
	rejects int32 // an error code, 0 for none
	change  func(*messages.EncKDCRepPart)
}

const lifetime = time.Hour

// client and grant make the fake a credential.
func (k *fakeKDC) client() principal { return client }

func (k *fakeKDC) grant(context.Context, *kdc) (ticket, error) {
	t := issue(k.t, granting, etypeID.AES256_CTS_HMAC_SHA1_96, lifetime)
	k.session = t.key
	return t, nil
}

func (k *fakeKDC) ask(_ context.Context, realm string, request []byte) ([]byte, error) {
	if k.away.Load() {
		return nil, &awayError{realm, []error{errors.New("the KDC is away")}}
	}
	k.asked++
	if k.rejects != 0 {
		return nil, messages.NewKRBError(zk1.wire(), realm, k.rejects, "")
	}
	var asked messages.TGSReq
	require.NoError(k.t, asked.Unmarshal(request))
	for _, e := range asked.ReqBody.EType {
		require.True(k.t, isAES(e), "type %d", e)
	}
	t := issue(k.t, zk1, etypeID.AES256_CTS_HMAC_SHA1_96, lifetime)
	now := time.Now().UTC()
	part := messages.EncKDCRepPart{
		Key: t.key, LastReqs: []messages.LastReq{{LRType: 0, LRValue: now}}, Nonce: asked.ReqBody.Nonce, Flags: types.NewKrbFlags(),
		AuthTime: now, StartTime: now, EndTime: t.ends, SRealm: zk1.realm, SName: asked.ReqBody.SName,
	}
	if k.change != nil {
		k.change(&part)
	}
	plain, err := part.Marshal()
	require.NoError(k.t, err)
	sealed, err := crypto.GetEncryptedData(plain, k.session, keyusage.TGS_REP_ENCPART_SESSION_KEY, 0)
	require.NoError(k.t, err)
	reply := messages.TGSRep{KDCRepFields: messages.KDCRepFields{
		PVNO: 5, MsgType: msgtype.KRB_TGS_REP, CRealm: client.realm, CName: client.wire(), Ticket: t.sealed, EncPart: sealed,
	}}
	answer, err := reply.Marshal()
	require.NoError(k.t, err)
	return answer, nil
}

// login begins a login of m, and returns its ticket.
func (k *fakeKDC) login(m *Mechanism) (*keptTicket, error) {
	l := &login{m, &kdc{config.New(), k.ask}, k, zk1}
	return l.ticket(k.t.Context())
}

func inBubble(t *testing.T, f func(t *testing.T, k *fakeKDC, m *Mechanism)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { f(t, &fakeKDC{t: t}, Password("orders@"+testRealm, "secret")) })
}

// An accepted ticket is used until it ends, also without a KDC.
func TestTicket_kept(t *testing.T) {
	inBubble(t, func(t *testing.T, k *fakeKDC, m *Mechanism) {
		first, err := k.login(m)
		require.NoError(t, err)
		require.Equal(t, 1, k.asked)
		m.proved(first)

		k.away.Store(true)
		time.Sleep(lifetime - time.Second)
		again, err := k.login(m)
		require.NoError(t, err)
		require.Equal(t, first.key, again.key)
		m.proved(again)
		require.Equal(t, 1, k.asked)

		k.away.Store(false)
		time.Sleep(time.Second)
		third, err := k.login(m)
		require.NoError(t, err)
		require.NotEqual(t, first.key, third.key)
		require.Equal(t, 2, k.asked)
		require.Len(t, m.tickets, 1, "tickets that have ended are removed")
	})
}

// A ticket that no server has accepted since the last login is replaced. It is
// used again only while the KDC is away.
func TestTicket_doubtful(t *testing.T) {
	inBubble(t, func(t *testing.T, k *fakeKDC, m *Mechanism) {
		first, err := k.login(m)
		require.NoError(t, err)
		m.proved(first)
		_, err = k.login(m) // the server rejects it
		require.NoError(t, err)
		require.Equal(t, 1, k.asked)

		k.away.Store(true)
		again, err := k.login(m)
		require.NoError(t, err)
		require.Equal(t, first.key, again.key)

		k.away.Store(false)
		fresh, err := k.login(m)
		require.NoError(t, err)
		require.NotEqual(t, first.key, fresh.key)
		require.Equal(t, 2, k.asked)

		k.rejects = errorcode.KDC_ERR_S_PRINCIPAL_UNKNOWN
		_, err = k.login(m)
		require.ErrorContains(t, err, "the KDC of EXAMPLE.COM gives orders@EXAMPLE.COM no ticket for zookeeper/zk1@EXAMPLE.COM (KDC_ERR_S_PRINCIPAL_UNKNOWN): it knows no such service")
		var krb messages.KRBError
		require.ErrorAs(t, err, &krb)
	})
}

// Without a ticket, a login asks until the KDC is back, or until ctx ends.
func TestTicket_patience(t *testing.T) {
	inBubble(t, func(t *testing.T, k *fakeKDC, m *Mechanism) {
		k.away.Store(true)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		began := time.Now()
		l := &login{m, &kdc{config.New(), k.ask}, k, zk1}
		_, err := l.ticket(ctx)
		require.EqualError(t, err, "no KDC of the realm EXAMPLE.COM answers (the KDC is away); check the network, and the realm's kdc lines in krb5.conf")
		require.Equal(t, time.Minute, time.Since(began))

		done := make(chan error, 1)
		go func() {
			_, err := l.ticket(t.Context())
			done <- err
		}()
		time.Sleep(time.Minute)
		k.away.Store(false)
		require.NoError(t, <-done)
	})
}

// An answer that does not belong to the request is rejected.
func TestTicket_forged(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*messages.EncKDCRepPart)
		want   string
	}{
		"another request": {func(p *messages.EncKDCRepPart) { p.Nonce++ }, "cannot be used"},
		"another server": {func(p *messages.EncKDCRepPart) { p.SName = principal{"zookeeper/evil", testRealm}.wire() },
			"issues a ticket for zookeeper/evil in place of zookeeper/zk1@EXAMPLE.COM; referrals are not followed"},
		"another realm": {func(p *messages.EncKDCRepPart) { p.SRealm = "ELSEWHERE" }, "cannot be used"},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, k *fakeKDC, m *Mechanism) {
				k.change = c.change
				_, err := k.login(m)
				require.ErrorContains(t, err, c.want)
			})
		})
	}
}

func TestTGSErrors(t *testing.T) {
	for code, want := range map[int32]string{
		errorcode.KRB_AP_ERR_TKT_EXPIRED: "the ticket has expired; run kinit again",
		errorcode.KDC_ERR_ETYPE_NOSUPP:   "the server has no key of AES",
		errorcode.KRB_AP_ERR_SKEW:        "this machine's clock is 0s ahead of the clock of the KDC of EXAMPLE.COM (KRB_AP_ERR_SKEW); synchronize the clocks",
		errorcode.KDC_ERR_POLICY:         "(KDC_ERR_POLICY): look into the log of the KDC",
		999:                              "(error 999)",
	} {
		inBubble(t, func(t *testing.T, k *fakeKDC, m *Mechanism) {
			k.rejects = code
			_, err := k.login(m)
			require.ErrorContains(t, err, want)
		})
	}
	require.Equal(t, "this machine's clock is 1h0m0s behind the clock of the KDC of R (why); synchronize the clocks", skewText(-time.Hour, "R", "why"))
}

func TestLoadConfig(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	good := file("good", "includedir /etc/krb5.conf.d/\n[libdefaults]\n default_realm = A\n[realms]\n A = {\n  kdc = kdc1\n  v4_name_convert = {\n  }\n }\n[capaths]\n x = y\n")
	cfg, err := loadConfig(good)
	require.NoError(t, err)
	require.Equal(t, []string{"kdc1:88"}, cfg.Realms[0].KDC)
	t.Setenv("KRB5_CONFIG", good+string(os.PathListSeparator)+"/nowhere")
	cfg, err = loadConfig("")
	require.NoError(t, err)
	require.Equal(t, "A", cfg.LibDefaults.DefaultRealm)
	for name, text := range map[string]string{"line": "[libdefaults]\n nonsense\n", "brackets": "[realms]\n }\n"} {
		_, err := loadConfig(file(name, text))
		require.ErrorContains(t, err, "the Kerberos configuration "+filepath.Join(dir, name)+" cannot be understood: ")
	}
	_, err = loadConfig(dir)
	require.ErrorContains(t, err, "is not a regular file; name another file with kerberos.Config or KRB5_CONFIG")
}
