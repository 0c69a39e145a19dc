package faults

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/docent-go/docent/lock"
	"github.com/docent-go/docent/session"
)

// holderEnv makes the test binary a holder: a process that repeatedly takes the
// lock and writes under it. Its value is "SERVERS STORE".
const holderEnv = "DOCENT_FAULTS_HOLDER"

// Paths of the fencing test.
const (
	fencedLock = "/fenced/lock"
	fencedLog  = "/fenced/log"
)

// writesPerHold is the number of writes before a release.
const writesPerHold = 5

// playHolder runs a holder until it is killed or the store closes the
// connection.
func playHolder() int {
	servers, store, _ := strings.Cut(os.Getenv(holderEnv), " ")
	if err := hold(strings.Split(servers, ","), store); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func hold(servers []string, store string) error {
	ctx := context.Background()
	conn, err := net.Dial("tcp", store)
	if err != nil {
		return err
	}
	defer conn.Close()
	sm, err := session.Dial(ctx, session.Config{Servers: servers, Timeout: sessionTimeout})
	if err != nil {
		return err
	}
	defer sm.Close()
	answers := bufio.NewReader(conn)
	for {
		h, err := lock.NewMutex(sm, fencedLock).Lock(ctx)
		if err != nil {
			return err
		}
		for n := 1; n <= writesPerHold; n++ {
			// Careless on purpose: it never checks whether it still holds.
			if _, err := fmt.Fprintf(conn, "%d %d %d %s %s\n", os.Getpid(), h.Token(), n, h.Path(), appendLog(sm, h)); err != nil {
				return err
			}
			if _, err := answers.ReadString('\n'); err != nil {
				return err
			}
		}
		if err := h.Release(); err != nil && !errors.Is(err, session.ErrLost) {
			return err
		}
	}
}

// appendLog writes the token into the log in ZooKeeper, on the condition that
// the hold's node exists, and returns the result.
func appendLog(sm *session.Manager, h *lock.Hold) string {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	_, err := sm.Txn(ctx, h.Guard(), session.CreateOp(fencedLog+"/w-", strconv.AppendInt(nil, h.Token(), 10), session.Sequential))
	switch i, refused := session.RefusedOp(err); {
	case err == nil:
		return "done"
	case refused && i == 0 && errors.Is(err, session.ErrLost):
		return "refused"
	case errors.Is(err, session.ErrUnknownOutcome):
		return "unknown"
	case expected(err):
		return "undone" // no session was available
	}
	return "failed: " + err.Error()
}
