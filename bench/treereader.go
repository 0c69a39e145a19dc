package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/go-zookeeper/zk"

	"github.com/docent-go/docent/config"
	"github.com/docent-go/docent/session"
)

// Each verb makes this program a process that reads a tree, and does nothing
// else:
//
//	bench tree SERVERS PATH CHANGES
//	bench keys SERVERS PATH CHANGES
//
// The second one is the floor: bare requests, for the changed keys alone. Both
// print an empty line when they wait for the first change. After CHANGES
// changes they print the cost of the changes, as one line of JSON.
const (
	treeVerb = "tree"
	keysVerb = "keys"
)

// combined is the time in which a tree puts changes together.
const combined = 50 * time.Millisecond

// runTree is the process that reads a tree. args begin with the verb.
func runTree(ctx context.Context, args []string, stdout, _ io.Writer) error {
	if len(args) != 4 {
		return fmt.Errorf("%s takes servers, a path and a number", args[0])
	}
	changes, err := strconv.Atoi(args[3])
	if err != nil || changes < 1 {
		return fmt.Errorf("%q is not a number of changes", args[3])
	}
	servers := strings.Split(args[1], ",")
	if args[0] == keysVerb {
		conn, err := connect(servers, sessionTimeout)
		if err != nil {
			return err
		}
		defer conn.Close()
		return readKeys(ctx, conn, args[2], changes, stdout)
	}
	sm, err := session.Dial(ctx, session.Config{Servers: servers, Timeout: sessionTimeout})
	if err != nil {
		return err
	}
	defer sm.Close()
	return readTree(ctx, sm, args[2], changes, stdout)
}

// readKeys watches the keys that will change, and reports what the process
// spends on an event, a pause and a read for each.
func readKeys(ctx context.Context, conn *zk.Conn, dir string, changes int, stdout io.Writer) error {
	events := make([]<-chan zk.Event, changes)
	for i := range events {
		var err error
		if _, _, events[i], err = conn.GetW(changedKey(dir, i+1)); err != nil {
			return err
		}
	}
	cost, err := spending(func() error {
		if _, err := fmt.Fprintln(stdout); err != nil {
			return err
		}
		for i, event := range events {
			select {
			case <-event:
			case <-ctx.Done():
				return ctx.Err()
			}
			if err := pause(ctx, combined); err != nil {
				return err
			}
			if _, _, err := conn.Get(changedKey(dir, i+1)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return json.NewEncoder(stdout).Encode(cost)
}

// readTree opens the tree and reports what the process spends on the changes.
func readTree(ctx context.Context, sm *session.Manager, path string, changes int, stdout io.Writer) error {
	tree, err := config.OpenTree(ctx, sm, path, config.Text())
	if err != nil {
		return err
	}
	defer tree.Close()
	cost, err := readChanges(ctx, tree, changes, func() error {
		_, err := fmt.Fprintln(stdout)
		return err
	})
	if err != nil {
		return err
	}
	return json.NewEncoder(stdout).Encode(cost)
}

// readChanges returns what the process spends on changes that come one at a
// time. It calls open when it waits for the first.
func readChanges(ctx context.Context, tree *config.Tree[string], changes int, open func() error) (cost spent, err error) {
	seen, ended := make(chan error), make(chan struct{})
	ctx, cancel := context.WithCancel(ctx)
	defer func() {
		cancel()
		<-ended
	}()
	go func() {
		defer close(ended)
		for _, err := range tree.Changes(ctx) {
			select {
			case seen <- err:
			case <-ctx.Done():
				return
			}
		}
	}()
	if err := <-seen; err != nil { // the state at the start
		return spent{}, err
	}
	return spending(func() error {
		if err := open(); err != nil {
			return err
		}
		for range changes {
			if err := <-seen; err != nil {
				return err
			}
		}
		return nil
	})
}

// treeOwn measures the cost of one change to a process of the verb. This process
// writes the changes.
func treeOwn(verb string, of func(spent) float64) func(env) (sample, error) {
	return func(e env) (sample, error) {
		k, err := newKeyChanger(e)
		if err != nil {
			return sample{}, err
		}
		self, err := os.Executable()
		if err != nil {
			return sample{}, err
		}
		cmd := exec.CommandContext(e, self, verb, e.site.String(), k.dir, strconv.Itoa(treeChanges))
		cmd.Stderr = os.Stderr
		out, err := cmd.StdoutPipe()
		if err != nil {
			return sample{}, err
		}
		if err := cmd.Start(); err != nil {
			return sample{}, err
		}
		cost, err := whileChanging(e, k, bufio.NewReader(out))
		if err != nil {
			_ = cmd.Process.Kill() // it waits for changes that do not come
		}
		if ended := cmd.Wait(); err == nil {
			err = ended
		}
		each := spent{cost.Processor / treeChanges, cost.Allocated / treeChanges}
		return sample{value: of(each)}, err
	}
}

// whileChanging writes the changes once the reader's process has opened the
// tree, and returns the reader's cost of all.
func whileChanging(e env, k *keyChanger, reader *bufio.Reader) (cost spent, err error) {
	if _, err := reader.ReadString('\n'); err != nil {
		return spent{}, fmt.Errorf("the reader of the tree: %w", err)
	}
	for range treeChanges {
		if err := pause(e, apart); err != nil {
			return spent{}, err
		}
		if _, err := k.change(); err != nil {
			return spent{}, err
		}
	}
	line, err := reader.ReadBytes('\n')
	if err != nil {
		return spent{}, fmt.Errorf("the reader of the tree: %w", err)
	}
	return cost, json.Unmarshal(line, &cost)
}

// spent is a process's use of resources.
type spent struct {
	Processor time.Duration
	Allocated float64 // bytes
}
