package core_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-zookeeper/zk"
	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/zktest"
)

// hostileCalls are calls that a hostile server answers, with the results of an
// honest server.
var hostileCalls = []struct {
	name    string
	ops     []zktest.Op // that it sends, whichever
	lengths []int       // where lengths are in the body of the answer
	call    func(ctx context.Context, s *core.Session, path string) (any, error)
	want    func(path string) any
}{
	{"children", []zktest.Op{zktest.OpGetChildren2}, []int{0, 4}, func(ctx context.Context, s *core.Session, path string) (any, error) {
		names, stat, err := s.Children(ctx, path)
		return []any{names, stat}, err
	}, func(string) any { return []any{[]string{"a", "b"}, theStat} }},
	{"get", []zktest.Op{zktest.OpGetData}, []int{0}, func(ctx context.Context, s *core.Session, path string) (any, error) {
		data, stat, err := s.Get(ctx, path)
		return []any{string(data), stat}, err
	}, func(path string) any { return []any{"data of " + path, statWith("data of " + path)} }},
	{"exists", []zktest.Op{zktest.OpExists}, nil, func(ctx context.Context, s *core.Session, path string) (any, error) {
		stat, found, err := s.Exists(ctx, path)
		return []any{stat, found}, err
	}, func(string) any { return []any{theStat, true} }},
	{"acl", []zktest.Op{zktest.OpGetACL}, []int{0, 8}, func(ctx context.Context, s *core.Session, path string) (any, error) {
		acl, stat, err := s.ACL(ctx, path)
		return []any{acl, stat}, err
	}, func(string) any { return []any{zk.WorldACL(31), theStat} }},
	{"create", []zktest.Op{zktest.OpCreate, zktest.OpCreate2}, []int{0}, func(ctx context.Context, s *core.Session, path string) (any, error) {
		return s.Create(ctx, path, nil, core.Persistent)
	}, func(path string) any { return path }},
	{"set", []zktest.Op{zktest.OpSetData}, nil, func(ctx context.Context, s *core.Session, path string) (any, error) {
		return s.Set(ctx, path, nil, 0)
	}, func(string) any { return theStat }},
	{"txn", []zktest.Op{zktest.OpMulti}, []int{9}, func(ctx context.Context, s *core.Session, path string) (any, error) {
		return s.Txn(ctx, core.CreateOp(path, nil, core.Persistent), core.SetOp(path, nil, 0))
	}, func(path string) any { return []core.OpResult{{Path: path}, {Stat: theStat}} }},
}

// trick changes an honest reply as a hostile server might.
type trick struct {
	name string
	make func(honest []byte) reaction
}

func withXid(reply []byte, xid int32) []byte {
	out := bytes.Clone(reply)
	binary.BigEndian.PutUint32(out, uint32(xid))
	return out
}

// tricks returns the tricks for a reply that has lengths at the given offsets
// of its body.
func tricks(lengths []int) []trick {
	all := []trick{
		{"no body", func(h []byte) reaction { return reaction{bytes: framed(h[:replyHead])} }},
		{"half a header", func(h []byte) reaction { return reaction{bytes: framed(h[:10])} }},
		{"an empty frame", func([]byte) reaction { return reaction{bytes: framed(nil)} }},
		{"half a body", func(h []byte) reaction { return reaction{bytes: framed(h[:(replyHead+len(h))/2])} }},
		{"a body that lacks a byte", func(h []byte) reaction { return reaction{bytes: framed(h[:len(h)-1])} }},
		{"half a frame, then the end", func(h []byte) reaction { return reaction{framed(h)[:len(h)-1], true} }},
		{"more than the answer", func(h []byte) reaction { return reaction{bytes: framed(append(bytes.Clone(h), make([]byte, 100)...))} }},
		{"the answer twice", func(h []byte) reaction { return reaction{bytes: bytes.Repeat(framed(h), 2)} }},
		{"another xid", func(h []byte) reaction {
			return reaction{bytes: framed(withXid(h, int32(binary.BigEndian.Uint32(h))+1000))}
		}},
		{"a frame of 200 MiB that does not come", func(h []byte) reaction { return reaction{bytes: append(be32(200<<20), h...)} }},
		{"a frame of negative length", func(h []byte) reaction { return reaction{bytes: append(be32(-16), h...)} }},
		{"an event without a path", func(h []byte) reaction {
			return reaction{bytes: append(framed(bytes.Join([][]byte{be32(-1), be64(-1), be32(0), be32(1), be32(3)}, nil)), framed(h)...)}
		}},
		{"an event whose path is longer than it", func(h []byte) reaction {
			event := bytes.Join([][]byte{be32(-1), be64(-1), be32(0), be32(1), be32(3), be32(0x7ffffff0), []byte("/d")}, nil)
			return reaction{bytes: append(framed(event), framed(h)...)}
		}},
		{"an event of a watch that was not set", func(h []byte) reaction {
			event := bytes.Join([][]byte{be32(-1), be64(-1), be32(0), be32(3), be32(3), text("/never/watched")}, nil)
			return reaction{bytes: append(framed(event), framed(h)...)}
		}},
		{"a refusal without a meaning", func(h []byte) reaction {
			return reaction{bytes: framed(bytes.Join([][]byte{h[:12], be32(-9999)}, nil))}
		}},
	}
	for _, xid := range []int32{-8, -4, -2, -1, 0} {
		all = append(all, trick{fmt.Sprintf("an answer with the xid %d before it", xid), func(h []byte) reaction {
			return reaction{bytes: append(framed(withXid(h, xid)), framed(h)...)}
		}})
	}
	for _, at := range lengths {
		for _, n := range []uint32{0xfffffff0, 0x80000000, 0xfffffffe, 0x7fffffff, 0x10000000, 0x00ffffff, 200} {
			all = append(all, trick{fmt.Sprintf("0x%x for the length at %d", n, at), func(h []byte) reaction {
				out := bytes.Clone(h)
				binary.BigEndian.PutUint32(out[replyHead+at:], n)
				return reaction{bytes: framed(out)}
			}})
		}
	}
	return all
}

// A server with malformed answers loses its connection. The process survives,
// and does not allocate memory by the lengths in an answer. Each call returns
// with an honest answer to its repetition, or with an error that has the
// reason.
func TestFault44_HostileAnswers(t *testing.T) {
	for _, c := range hostileCalls {
		for _, tr := range tricks(c.lengths) {
			t.Run(c.name+"/"+tr.name, func(t *testing.T) {
				inWorld(t, func(w *world) {
					sc, sm := w.scripted()
					s, err := sm.Session(w.Context())
					require.NoError(w, err)
					played, sent := 0, 0
					sc.answer(func(r asked, honest []byte) reaction {
						for _, op := range c.ops {
							if r.op == op && played < 2 {
								played++
								re := tr.make(honest)
								sent += len(re.bytes)
								return re
							}
						}
						return reaction{bytes: framed(honest)}
					})
					synctest.Wait() // what the connection takes once is there
					var before, after runtime.MemStats
					runtime.ReadMemStats(&before)
					got, err := c.call(w.Within(time.Minute), s, "/d/x")
					runtime.ReadMemStats(&after)
					if err == nil {
						require.Equal(w, c.want("/d/x"), got)
					} else {
						require.NotErrorIs(w, err, context.DeadlineExceeded, "the call waits for an answer that has come")
						require.True(w, saysWhy(err), "%v", err)
					}
					sc.mu.Lock()
					bound := uint64(8*sent + 1<<20)
					require.NotZero(w, played)
					sc.mu.Unlock()
					require.LessOrEqual(w, after.TotalAlloc-before.TotalAlloc, bound, "bytes allocated for %d bytes of answers", sent)

					sc.answer(nil)
					got, err = c.call(w.Within(time.Minute), s, "/d/y")
					require.NoError(w, err, "the server is honest now")
					require.Equal(w, c.want("/d/y"), got)
					require.NoError(w, s.Err())
				})
			})
		}
	}
}

// saysWhy reports whether an error has a reason besides the call and its
// outcome.
func saysWhy(err error) bool {
	var op *core.OpError
	if !errors.As(err, &op) || op.Err == nil {
		return false
	}
	return op.Err.Error() != core.ErrUnknownOutcome.Error()
}

// Two requests are outstanding, and the second is answered first. Neither call
// gets the other's answer.
func TestFault44_AnswersOutOfOrder(t *testing.T) {
	for _, c := range hostileCalls {
		t.Run(c.name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				sc, sm := w.scripted()
				s, err := sm.Session(w.Context())
				require.NoError(w, err)
				var first []byte
				swapped := false
				sc.answer(func(r asked, honest []byte) reaction {
					switch {
					case swapped || r.op == zktest.OpRemoveWatches:
						return reaction{bytes: framed(honest)}
					case first == nil:
						first = framed(honest)
						return reaction{}
					}
					swapped = true
					return reaction{bytes: append(framed(honest), first...)}
				})
				type result struct {
					path string
					got  any
					err  error
				}
				results := make(chan result, 2)
				for _, path := range []string{"/d/one", "/d/two"} {
					go func() {
						got, err := c.call(w.Within(time.Minute), s, path)
						results <- result{path, got, err}
					}()
				}
				for range 2 {
					r := <-results
					if r.err == nil {
						require.Equal(w, c.want(r.path), r.got, r.path)
						continue
					}
					require.NotErrorIs(w, r.err, context.DeadlineExceeded, r.path)
					require.True(w, saysWhy(r.err), "%v", r.err)
				}
				got, err := c.call(w.Within(time.Minute), s, "/d/three")
				require.NoError(w, err)
				require.Equal(w, c.want("/d/three"), got)
			})
		})
	}
}

// An answer after the end of its call's wait is ignored: the next call gets its
// own.
func TestFault44_AnswersAfterTheCallHasEnded(t *testing.T) {
	for _, c := range hostileCalls {
		t.Run(c.name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				sc, sm := w.scripted()
				s, err := sm.Session(w.Context())
				require.NoError(w, err)
				var late []byte
				sc.answer(func(_ asked, honest []byte) reaction {
					if late == nil {
						late = framed(honest)
						return reaction{}
					}
					return reaction{bytes: append(late, framed(honest)...)}
				})
				_, err = c.call(w.Within(time.Second), s, "/d/given-up")
				require.ErrorIs(w, err, context.DeadlineExceeded)
				got, err := c.call(w.Within(time.Minute), s, "/d/next")
				require.NoError(w, err)
				require.Equal(w, c.want("/d/next"), got)
			})
		})
	}
}

// Frames after the server's answer to the end of the session are ignored.
func TestFault44_AnswersAfterTheSession(t *testing.T) {
	inWorld(t, func(w *world) {
		sc, sm := w.scripted()
		s, err := sm.Session(w.Context())
		require.NoError(w, err)
		done := make(chan error, 1)
		asking := make(chan struct{})
		sc.answer(func(asked, []byte) reaction { close(asking); return reaction{} })
		go func() { done <- third(s.Get(w.Context(), "/d")) }()
		<-asking
		require.NoError(w, sm.Close())
		err = <-done
		require.ErrorIs(w, err, core.ErrSessionEnded)
		require.ErrorIs(w, err, core.ErrClosed)
		require.ErrorIs(w, third(s.Get(w.Context(), "/d")), core.ErrClosed)
	})
}
