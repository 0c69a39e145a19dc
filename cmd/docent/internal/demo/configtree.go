package demo

import (
	"context"
	"os"
	"path/filepath"

	"github.com/docent-go/docent/config"
	"github.com/docent-go/docent/session"
)

// configRollback: two keys change at the same instant. A mistake is rolled back
// from the history, and a file follows the key.
func configRollback(ctx context.Context, s *stage) (err error) {
	operator, err := s.enter(ctx, "operator")
	if err != nil {
		return err
	}
	web, err := s.enter(ctx, "web")
	if err != nil {
		return err
	}
	store := config.NewStore(operator.Manager, "/demo/tree")
	history := store.History(5)
	s.say("operator", "publishes pool/min 2 and pool/max 8 at once")
	if err := store.Publish(ctx, config.CreateKey("pool/min", []byte("2")), config.CreateKey("pool/max", []byte("8"))); err != nil {
		return err
	}
	tree, err := config.OpenTree(ctx, web.Manager, "/demo/tree", config.JSON[int]())
	if err != nil {
		return err
	}
	defer func() { _ = tree.Close() }() // never fails
	s.say("operator", "publishes 10 and 20, which makes no sense in part")
	err = store.Publish(ctx, config.SetKey("pool/min", []byte("10"), session.AnyVersion),
		config.SetKey("pool/max", []byte("20"), session.AnyVersion))
	if err != nil {
		return err
	}
	whole := true
	for snap, err := range tree.Changes(ctx) {
		if err != nil {
			return err
		}
		low, high := snap.Value("pool/min"), snap.Value("pool/max")
		s.say("web", "sees %d to %d", low, high)
		whole = whole && (low == 2 && high == 8 || low == 10 && high == 20)
		if low == 10 {
			break
		}
	}
	if err := s.claim(whole, "both changed at the same instant for every reader"); err != nil {
		return err
	}
	return s.rollBack(ctx, operator, history)
}

// rollBack undoes a mistake while a file follows the key.
func (s *stage) rollBack(ctx context.Context, operator *process, history *config.History) error {
	dir, err := os.MkdirTemp("", "docent-demo-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }() // the system clears what is left
	file := filepath.Join(dir, "motd")
	for _, value := range []string{"welcome", "wellcome"} {
		s.say("operator", "sets motd to %q, and keeps what it was", value)
		if _, err := history.Put(ctx, "motd", []byte(value)); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithCancel(ctx)
	written, ended := make(chan string, 16), make(chan error, 1)
	go func() {
		ended <- config.SyncFile(ctx, operator.Manager, "/demo/tree/motd", file, config.AfterChange(func(config.FileChange) {
			data, err := os.ReadFile(file)
			if err != nil {
				data = []byte(err.Error())
			}
			written <- string(data)
		}))
	}()
	defer func() { cancel(); <-ended }()
	if _, err := await(ctx, "the file to be written", written); err != nil {
		return err
	}
	past, err := history.List(ctx, "motd")
	if err != nil {
		return err
	}
	s.say("operator", "rolls back to value %d of the history", past[len(past)-1].ID)
	if _, err := history.Rollback(ctx, "motd", past[len(past)-1].ID); err != nil {
		return err
	}
	content, err := await(ctx, "the file to be written again", written)
	if err != nil {
		return err
	}
	return s.claim(content == "welcome", "the file that follows the key holds the good value again, written in one piece")
}
