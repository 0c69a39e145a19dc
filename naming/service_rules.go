package naming

import (
	"context"
	"fmt"
	"slices"

	"github.com/docent-go/docent/internal/base/znode"
	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/internal/recipe/views"
)

// ruling is the rules of operators for a service, see ruled. Only the loop uses
// it, except for trees.
type ruling struct {
	codec  ruled
	dirs   []ruleDir
	trees  []*views.Tree // of dirs
	shown  []*views.TreeState
	paths  []string
	reader *Registry // decodes the instances under the rules

	refused []*OverrideError
	hidden  []reported // of the directories
}

// maxRules bounds the rules of a directory: each of them may be applied to each
// instance.
const maxRules = 1000

// openRules follows the rules. Without them, the instances are decoded as they
// are.
func (s *Service) openRules() error {
	s.rules.reader = s.r
	codec, ok := s.r.codec.(ruled)
	if !ok {
		return nil
	}
	s.rules.codec = codec
	for _, dir := range codec.rules(s.r.base, s.name) {
		tree, err := views.OpenTree(s.ctx, s.r.sm, views.TreeConfig{
			Path: dir.path, Depth: 1, Pause: s.opts.pause, Limit: maxRules, MaxBytes: s.opts.bytes, NamesOnly: true, Keep: dir.keep,
		})
		if err != nil {
			return err
		}
		s.rules.dirs, s.rules.trees = append(s.rules.dirs, dir), append(s.rules.trees, tree)
		s.work.Go(func() { s.followRules(tree) })
	}
	s.rules.shown, s.rules.hidden = make([]*views.TreeState, len(s.rules.trees)), make([]reported, len(s.rules.trees))
	return nil
}

// followRules wakes the loop after each change of a directory of rules, and
// ends with the watch.
func (s *Service) followRules(tree *views.Tree) {
	for {
		now := tree.Load()
		s.rouse()
		select {
		case <-now.Next():
		case <-tree.Done():
			return
		}
	}
}

func (s *Service) closeRules() {
	for _, tree := range s.rules.trees {
		tree.Close()
	}
}

// awaitRules waits until the rules are as new as the session.
func (s *Service) awaitRules(ctx context.Context, in *core.Session) error {
	for _, tree := range s.rules.trees {
		if err := tree.Await(ctx, in, 0); err != nil {
			return err
		}
	}
	return nil
}

// rule takes in the present rules, and reports whether they have changed.
func (s *Service) rule() (changed bool) {
	for i, tree := range s.rules.trees {
		if now := tree.Load(); now != s.rules.shown[i] {
			s.rules.shown[i], changed = now, true
		}
	}
	if !changed {
		return false
	}
	var paths []string
	for i, now := range s.rules.shown {
		for n := range now.All() {
			if n.Path != "" {
				paths = append(paths, znode.Join(s.rules.dirs[i].path, n.Path))
			}
		}
	}
	if slices.Equal(paths, s.rules.paths) {
		return false
	}
	codec, refused := s.rules.codec.under(s.name, paths)
	for i, now := range refused {
		for _, before := range s.rules.refused {
			if before.Path == now.Path {
				refused[i] = before // an error is one value as long as its rule exists
			}
		}
	}
	s.rules.paths, s.rules.refused = paths, refused
	s.rules.reader = &Registry{sm: s.r.sm, codec: codec, base: s.r.base}
	return true
}

// ruleProblems returns the errors of the rules: those that are not applied, and
// directories that may not be read or are too large.
func (s *Service) ruleProblems() []error {
	var problems []error
	for _, err := range s.rules.refused {
		problems = append(problems, err)
	}
	for i, now := range s.rules.shown {
		err := now.Err
		if err == nil {
			err = now.LeftOut.Err(maxRules, s.opts.bytes, redact)
		}
		if err != nil {
			err = fmt.Errorf("rules for service %q: %w", s.name, err)
		}
		if err = s.rules.hidden[i].is(err); err != nil {
			problems = append(problems, err)
		}
	}
	return problems
}
