package core

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/docent-go/docent/internal/base/znode"
	"github.com/docent-go/docent/internal/wire"
)

// MaxTTL is the longest TTL that CreateTTL accepts, about 34 years.
const MaxTTL = 0xffffffffff * time.Millisecond

// The protocol's flags of nodes with a TTL.
const (
	flagTTL           = 5
	flagTTLSequential = 6
)

// CreateTTL is Create of a node with a TTL. The server removes the node once it
// has had no children and no change of its data for ttl, rounded up to
// milliseconds. The server checks such nodes periodically, every minute by
// default. mode is Persistent or Sequential. No session owns the node.
//
// Servers support such nodes since ZooKeeper 3.5.3, and only if
// extendedTypesEnabled is set. Otherwise CreateTTL fails with ErrUnimplemented.
// The other errors are the errors of Create: ErrNodeExists, ErrNoNode,
// ErrNoAuth, ErrTooLarge, ErrUnknownOutcome if the answer is lost,
// ErrSessionEnded and ctx's error. ctx bounds the request. CreateTTL is safe
// for concurrent use.
func (s *Session) CreateTTL(ctx context.Context, path string, data []byte, ttl time.Duration, mode Mode) (string, error) {
	s.made()
	check, flags := path, int32(flagTTL)
	var err error
	switch {
	case ttl <= 0 || ttl > MaxTTL:
		err = fmt.Errorf("the TTL %v is not between 1ms and %v", ttl, MaxTTL)
	case mode == Sequential:
		check, flags = path+sequentialTrialDigit, flagTTLSequential
	case mode != Persistent:
		err = fmt.Errorf("a znode with a TTL is Persistent or Sequential, not of mode %d", int32(mode))
	}
	abs := s.abs(path)
	if err := cmp.Or(err, znode.Validate(check), s.fits(s.createSize(abs, data)+8)); err != nil {
		return "", s.refuse("create", path, err)
	}
	r := s.createRequest(abs, data, mode, true)
	millis := int64((ttl + time.Millisecond - 1) / time.Millisecond)
	r.frame = func() []byte {
		return wire.CreateTTL(abs, data, wireACL(s.m.cfg.ACL), flags, millis)
	}
	made, err := s.create(ctx, path, r)
	return made.path, needs(err, "znodes with a TTL need ZooKeeper 3.5.3 or later, "+
		"with the system property zookeeper.extendedTypesEnabled=true on each server")
}
