package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/docent-go/docent/internal/bridge"
	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/internal/recipe/recognise"
	"github.com/docent-go/docent/session"
)

// foreignKey is a step whose znode belongs to another recipe.
type foreignKey struct {
	step importStep
	what string // the recipe, such as "it is a gate"
	// number says that the znode looks like a counter, as a binary key may.
	number bool
}

// reason returns why the znode is left alone, as "config set" does.
func (f foreignKey) reason() string {
	return fmt.Sprintf("%s: %v: %s", oneLine(f.step.key), session.ErrForeign, f.what)
}

// foreignKeys returns the steps that would write, create or delete a znode of
// another recipe. It reads the znodes of all steps in batches. It leaves out a znode that
// may not be read, whose ACL decides about the write.
func foreignKeys(ctx context.Context, sm *session.Manager, steps []importStep) (all []foreignKey, err error) {
	paths := make([]string, len(steps))
	for i, step := range steps {
		paths[i] = step.path
	}
	in := bridge.Core(sm)
	seen, err := in.SeeMany(ctx, paths)
	if err != nil {
		return nil, err
	}
	for i, s := range seen {
		if s == nil {
			if what := recognise.Node(paths[i], steps[i].data, core.Stat{}); what != "" {
				all = append(all, foreignKey{step: steps[i], what: what})
			}
			continue
		}
		if s.Hidden {
			continue
		}
		what, err := recognise.Path(ctx, in, paths[i], s.Data, s.Stat)
		switch {
		case errors.Is(err, core.ErrNoNode): // deleted meanwhile
		case err != nil:
			return nil, err
		case what != "":
			all = append(all, foreignKey{step: steps[i], what: what})
		case recognise.IsNumber(s.Data):
			what = fmt.Sprintf("it has %d bytes and looks like the number of a counter", len(s.Data))
			all = append(all, foreignKey{steps[i], what, true})
		}
	}
	return all, nil
}
