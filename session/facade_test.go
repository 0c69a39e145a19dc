package session

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"reflect"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/docent-go/docent/internal/core"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// Every field of a Config reaches the implementation, which has no further
// fields.
func TestConfigReachesTheCore(t *testing.T) {
	cfg := Config{
		Servers: []string{"zk1"}, Root: "/r", Timeout: time.Second, TrustMargin: time.Millisecond,
		LossPolicy: OnDisconnect, TLS: &tls.Config{ServerName: "zk"}, SASL: DigestMD5("ann", "secret"),
		Auth: []Credential{Digest("ann", "secret")}, ACL: CreatorACL(), Directories: RejectExposed, Logger: slog.New(slog.DiscardHandler),
		Hooks:      []Hook{allHooks{}},
		Dialer:     func(context.Context, string, string) (net.Conn, error) { return nil, errors.ErrUnsupported },
		LookupHost: func(context.Context, string) ([]string, error) { return nil, errors.ErrUnsupported },
		MaxRequest: 2048,
	}
	public, inner := reflect.ValueOf(cfg), reflect.ValueOf(cfg.core())
	require.Equal(t, public.NumField(), inner.NumField())
	for i := range public.NumField() {
		name := public.Type().Field(i).Name
		require.False(t, public.Field(i).IsZero(), "the test sets %s", name)
		got := inner.FieldByName(name)
		require.True(t, got.IsValid() && !got.IsZero(), "%s is lost", name)
		if got.Type() == public.Field(i).Type() && got.Comparable() {
			require.Equal(t, public.Field(i).Interface(), got.Interface(), name)
		}
	}
	require.Equal(t, core.OnDisconnect, cfg.core().LossPolicy)
	require.Equal(t, "digest", cfg.core().Auth[0].Scheme)
	require.Equal(t, "DIGEST-MD5", cfg.core().SASL.Name())
}

// The constants are the implementation's.
func TestConstantsAgree(t *testing.T) {
	require.Equal(t, []core.LossPolicy{core.AtDeadline, core.OnDisconnect},
		[]core.LossPolicy{core.LossPolicy(AtDeadline), core.LossPolicy(OnDisconnect)})
	require.Equal(t, []core.DirectoryPolicy{core.WarnExposed, core.RejectExposed, core.IgnoreExposed},
		[]core.DirectoryPolicy{core.DirectoryPolicy(WarnExposed), core.DirectoryPolicy(RejectExposed), core.DirectoryPolicy(IgnoreExposed)})
	require.Equal(t, []core.State{core.Connected, core.Suspended, core.Lost, core.Closed},
		[]core.State{core.State(Connected), core.State(Suspended), core.State(Lost), core.State(Closed)})
	require.Equal(t, []core.Mode{core.Persistent, core.Ephemeral, core.Sequential, core.EphemeralSequential, core.Container},
		[]core.Mode{core.Mode(Persistent), core.Mode(Ephemeral), core.Mode(Sequential), core.Mode(EphemeralSequential), core.Mode(Container)})
}

// allHooks implements every interface of a hook.
type allHooks struct{ told *[]any }

func (h allHooks) tell(what any)         { *h.told = append(*h.told, what) }
func (h allHooks) OnState(c StateChange) { h.tell(c) }
func (h allHooks) OnOp(i OpInfo)         { h.tell(i) }
func (h allHooks) OnAcquired(i HoldInfo) { h.tell(i) }
func (h allHooks) OnReleased(i HoldInfo) { h.tell(i) }
func (h allHooks) OnLost(i HoldInfo)     { h.tell(i) }
func (h allHooks) OnSwept(i SweptInfo)   { h.tell(i) }
func (h allHooks) OnWait(_ context.Context, w WaitInfo) func(WaitEnd) {
	h.tell(w)
	return func(e WaitEnd) { h.tell(e) }
}

// A hook gets every call of the implementation once, in the types of this
// package.
func TestHooksHearOfEverything(t *testing.T) {
	var told []any
	hooks := coreHooks([]Hook{allHooks{&told}})
	cause := errors.New("a reason")
	at := time.Unix(1, 0)
	hold := core.HoldInfo{Path: "/h", Token: 1, Session: 2, Held: 3, Cause: cause}
	for _, hook := range hooks {
		if h, ok := hook.(core.HookState); ok {
			h.OnState(core.StateChange{State: core.Lost, Session: 2, At: at, Cause: cause})
		}
		if h, ok := hook.(core.HookOp); ok {
			h.OnOp(core.OpInfo{Op: "get", Path: "/a", Session: 2, Duration: 3, Err: cause})
		}
		if h, ok := hook.(core.HookWait); ok {
			over := h.OnWait(t.Context(), core.WaitInfo{Path: "/w", Try: true})
			over(core.WaitEnd{Waited: 3, Hold: new(core.Hold)})
			over(core.WaitEnd{Waited: 3, Err: cause})
		}
		if h, ok := hook.(core.HookAcquired); ok {
			h.OnAcquired(hold)
		}
		if h, ok := hook.(core.HookReleased); ok {
			h.OnReleased(hold)
		}
		if h, ok := hook.(core.HookLost); ok {
			h.OnLost(hold)
		}
		if h, ok := hook.(core.HookSwept); ok {
			h.OnSwept(core.SweptInfo{Path: "/s", Session: 2, Found: true})
		}
	}
	info := HoldInfo{"/h", 1, 2, 3, cause}
	require.Len(t, told, 9)
	require.NotNil(t, told[3].(WaitEnd).Hold)
	told[3] = nil
	require.Equal(t, []any{
		StateChange{Lost, 2, at, cause}, OpInfo{"get", "/a", 2, 3, cause},
		WaitInfo{"/w", true}, nil, WaitEnd{Waited: 3, Err: cause},
		info, info, info, SweptInfo{"/s", 2, true},
	}, told)
	require.Equal(t, []core.Hook{"no hook"}, coreHooks([]Hook{"no hook"}), "it is refused by name")
	require.Empty(t, coreHooks(nil))
}

// A hook whose OnWait returns nil is not called at the end of the wait.
func TestHookThatDoesNotCareForTheEndOfAWait(t *testing.T) {
	hooks := coreHooks([]Hook{silentHook{}})
	require.Len(t, hooks, 1)
	require.Nil(t, hooks[0].(core.HookWait).OnWait(t.Context(), core.WaitInfo{}))
}

type silentHook struct{}

func (silentHook) OnWait(context.Context, WaitInfo) func(WaitEnd) { return nil }

// errors.As finds errors of the implementation as errors of this package,
// however deep they are wrapped, with the same text.
func TestErrorsOfTheCoreAreFound(t *testing.T) {
	inner := &core.OpError{Op: "get", Path: "/a", Session: 0x12, Err: fmt.Errorf("why: %w", &core.CodeError{Code: -125})}
	err := fmt.Errorf("lock /l: %w", inner)
	var op *OpError
	require.ErrorAs(t, err, &op)
	require.Equal(t, &OpError{"get", "/a", 0x12, inner.Err}, op)
	require.Equal(t, inner.Error(), op.Error())
	var code *CodeError
	require.ErrorAs(t, err, &code)
	require.Equal(t, int32(-125), code.Code)
	require.Equal(t, (&core.CodeError{Code: -125}).Error(), code.Error())
	require.ErrorAs(t, fmt.Errorf("%w: %w", ErrUnknownOutcome, inner), &op)

	require.NotErrorAs(t, ErrNoNode, &op)
	require.NotErrorAs(t, &core.CodeError{Code: -4}, &op)
	var inCore *core.OpError
	require.ErrorAs(t, err, &inCore)
	require.Same(t, inner, inCore)
}

// The implementation calls the Start, Next and Validate of a user's mechanism.
func TestMechanismsOfUsers(t *testing.T) {
	m := coreSASL(userMechanism{})
	require.Equal(t, "USER", m.Name())
	exchange, err := m.Start(t.Context(), "zk1")
	require.NoError(t, err)
	token, done, err := exchange.Next([]byte("token"))
	require.Equal(t, []any{"token of zk1", true, nil}, []any{string(token), done, err})
	require.EqualError(t, m.(interface{ Validate() error }).Validate(), "it is not valid")
	require.NoError(t, coreSASL(struct{ SASLMechanism }{}).(interface{ Validate() error }).Validate())
}

// Neither a mechanism nor a credential prints its secret, wherever it is
// printed.
func TestSecretsAreNotPrinted(t *testing.T) {
	secrets := struct { // fmt calls no methods on unexported fields
		m      SASLMechanism
		c      Credential
		Shown  SASLMechanism
		Listed []Credential
	}{DigestMD5("ann", "hush"), Digest("ann", "hush"), DigestMD5("ann", "hush"), []Credential{Digest("ann", "hush")}}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		said := fmt.Sprintf(verb+verb+verb, secrets, secrets.m, secrets.c)
		require.NotContains(t, said, "hush")
		require.NotContains(t, said, fmt.Sprintf("%x", "hush"))
		require.NotContains(t, said, "104 117 115 104")
	}
}

type userMechanism struct{}

func (userMechanism) Name() string    { return "USER" }
func (userMechanism) Validate() error { return errors.New("it is not valid") }
func (userMechanism) Start(_ context.Context, server string) (SASLExchange, error) {
	return userExchange(server), nil
}

type userExchange string

func (x userExchange) Next(challenge []byte) ([]byte, bool, error) {
	return fmt.Appendf(nil, "%s of %s", challenge, x), true, nil
}
