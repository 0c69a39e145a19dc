package kerberos

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jcmturner/gokrb5/v8/config"
	"github.com/jcmturner/gokrb5/v8/iana/errorcode"
	"github.com/jcmturner/gokrb5/v8/messages"
)

// network sends requests to the KDCs of realms. The library has a client of its
// own, which knows no context, waits five seconds for each KDC twice, and
// renews tickets in goroutines.
type network struct {
	cfg *config.Config
	m   *Mechanism // remembers which KDC answers
	// lookup is net.Resolver.LookupSRV.
	lookup func(ctx context.Context, service, proto, name string) (string, []*net.SRV, error)
}

const (
	maxReply    = 1 << 20
	maxExchange = 5 * time.Second // with one KDC of several
)

// awayError says that no KDC of a realm answers.
type awayError struct {
	realm string
	each  []error // one for each KDC
}

func (e *awayError) Error() string {
	var said []string
	for _, err := range e.each {
		said = append(said, err.Error())
	}
	return fmt.Sprintf("no KDC of the realm %s answers (%s); check the network, and the realm's kdc lines in krb5.conf",
		e.realm, strings.Join(said, "; "))
}

func (e *awayError) Unwrap() []error { return e.each }

// ask sends a request to the KDCs of a realm, one after the other, until one
// answers. The KDC that answered last comes first. A KDC that rejects the
// request makes a messages.KRBError.
func (n *network) ask(ctx context.Context, realm string, request []byte) ([]byte, error) {
	addrs, err := n.addrs(ctx, realm)
	if err != nil {
		return nil, err
	}
	away := &awayError{realm: realm}
	for i, addr := range addrs {
		reply, err := exchangeWith(ctx, addr, len(addrs)-i, request)
		var rejected messages.KRBError
		if err == nil && guard(func() error { return rejected.Unmarshal(reply) }) == nil {
			switch rejected.ErrorCode {
			case errorcode.KDC_ERR_SVC_UNAVAILABLE, errorcode.KRB_ERR_GENERIC: // another KDC may be well
				err = fmt.Errorf("%s: %s", addr, codeName(rejected))
			default:
				return nil, rejected
			}
		}
		if err == nil {
			n.m.answered(realm, addr)
			return reply, nil
		}
		away.each = append(away.each, err)
	}
	return nil, away
}

func (m *Mechanism) answered(realm, addr string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.lastKDC[realm] = addr
}

// addrs returns the addresses of a realm's KDCs.
func (n *network) addrs(ctx context.Context, realm string) ([]string, error) {
	var addrs []string
	for _, r := range n.cfg.Realms {
		if r.Realm == realm {
			addrs = append(addrs, r.KDC...)
		}
	}
	if len(addrs) == 0 && n.cfg.LibDefaults.DNSLookupKDC {
		_, found, err := n.lookup(ctx, "kerberos", "tcp", realm)
		if err != nil {
			return nil, &awayError{realm, []error{fmt.Errorf("looking its KDCs up in DNS: %w", err)}}
		}
		for _, srv := range found {
			addrs = append(addrs, net.JoinHostPort(strings.TrimSuffix(srv.Target, "."), strconv.Itoa(int(srv.Port))))
		}
	}
	if len(addrs) == 0 {
		return nil, fmt.Errorf("krb5.conf names no KDC of the realm %s: "+
			"add kdc lines to its section in [realms], or set dns_lookup_kdc = true", realm)
	}
	n.m.mu.Lock()
	defer n.m.mu.Unlock()
	last := n.m.lastKDC[realm]
	slices.SortStableFunc(addrs, func(a, b string) int {
		switch {
		case a == last && b != last:
			return -1
		case b == last && a != last:
			return 1
		}
		return 0
	})
	return addrs, nil
}

// exchangeWith sends a request to a KDC by TCP, which RFC 4120 asks every KDC
// to accept. left is the number of KDCs that are still to be asked.
func exchangeWith(ctx context.Context, addr string, left int, request []byte) (reply []byte, err error) {
	ctx, cancel := context.WithTimeout(ctx, share(ctx, left))
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", addr, plain(ctx, err))
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	defer func() {
		if err != nil {
			err = fmt.Errorf("%s: %w", addr, plain(ctx, err))
		}
	}()
	if _, err := conn.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(request))), request...)); err != nil {
		return nil, err
	}
	var size [4]byte
	if _, err := io.ReadFull(conn, size[:]); err != nil {
		return nil, err
	}
	length := binary.BigEndian.Uint32(size[:])
	if length == 0 || length > maxReply {
		return nil, fmt.Errorf("an answer of %d bytes", length)
	}
	reply = make([]byte, length)
	_, err = io.ReadFull(conn, reply)
	return reply, err
}

// share returns the time for one of the KDCs that are left: an equal part of the
// time that ctx leaves. Only the last one may take longer than maxExchange.
func share(ctx context.Context, left int) time.Duration {
	end, ok := ctx.Deadline()
	if !ok {
		return maxExchange
	}
	part := time.Until(end) / time.Duration(left)
	if left > 1 {
		part = min(part, maxExchange)
	}
	return part
}

var errNoAnswer = errors.New("no answer in time")

// plain returns the reason of a network error alone. The callers name the
// address.
func plain(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return errNoAnswer
	}
	var op *net.OpError
	if errors.As(err, &op) {
		return op.Err
	}
	return err
}
