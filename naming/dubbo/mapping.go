package dubbo

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/docent-go/docent/internal/base/ctxend"
	"github.com/docent-go/docent/internal/base/znode"
	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/internal/recipe/views"
)

// Applications returns the applications that serve an interface, sorted. Their
// instances may all have gone, since Dubbo never takes an application out of a
// mapping. An interface without a mapping has no applications. ctx bounds the
// read. Errors, in a *session.OpError: an interface that cannot name a znode;
// ctx's; session.ErrClosed; what the server answers, such as session.ErrNoAuth.
func (r *Registry) Applications(ctx context.Context, iface string) ([]string, error) {
	path, err := r.mapping(iface)
	var data []byte
	if err == nil {
		if data, _, err = r.sm.Get(ctx, path); errors.Is(err, core.ErrNoNode) {
			err = nil
		}
	}
	if err != nil {
		return nil, core.Failed("list applications", path, ctxend.Join(ctx, err))
	}
	return parseMapping(data), nil
}

// Changes yields the applications that serve an interface, and then the newest
// list after every change of the mapping. Lists that pass while the loop body
// runs are skipped, but never the last. The loop goes on through lost
// connections and ended sessions.
//
// An error is yielded together with the last list, for instance session.ErrNoAuth
// if the mapping may not be read. The loop goes on after it. The loop ends
// without an error when ctx ends. It ends with session.ErrClosed when the Manager
// is closed, and with an error if the interface cannot name a znode.
func (r *Registry) Changes(ctx context.Context, iface string) iter.Seq2[[]string, error] {
	path, err := r.mapping(iface)
	return func(yield func([]string, error) bool) {
		const op = "watch applications"
		if err != nil {
			yield(nil, core.Failed(op, path, err))
			return
		}
		view, err := views.Open(ctx, r.sm, views.Config{Path: path})
		if err != nil {
			if ctx.Err() == nil {
				yield(nil, core.Failed(op, path, err))
			}
			return
		}
		defer view.Close()
		var last []string
		first := true
		for now, err := range view.Changes(ctx) {
			apps := parseMapping(now.Data)
			if err == nil && !first && slices.Equal(apps, last) {
				continue
			}
			last, first = apps, false
			if !yield(slices.Clone(apps), core.Failed(op, path, err)) {
				return
			}
		}
	}
}

// mapping returns the path of the mapping of an interface. With an error it is
// the root.
func (r *Registry) mapping(iface string) (string, error) {
	r.made()
	err := r.err
	if err == nil {
		err = checkName("interface", iface)
	}
	if err != nil {
		return r.root, err
	}
	return znode.Join(znode.Join(r.root, "mapping"), iface), nil
}

// mapTo adds an application to the mapping of an interface.
func (r *Registry) mapTo(ctx context.Context, iface, app string) error {
	path, err := r.mapping(iface)
	if err != nil {
		return err
	}
	return r.change(ctx, path, func(held []byte) []byte {
		switch {
		case slices.Contains(parseMapping(held), app):
			return nil
		case len(parseMapping(held)) == 0:
			return []byte(app)
		}
		return []byte(string(held) + "," + app)
	})
}

// parseMapping returns the names of a mapping, sorted and without doubles. It
// leaves out names that no application can have.
func parseMapping(data []byte) []string {
	var names []string
	for name := range strings.SplitSeq(string(data), ",") {
		if name = strings.TrimSpace(name); checkApplication(name) == nil {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// checkApplication rejects names that a mapping or a path cannot hold.
func checkApplication(name string) error {
	if err := checkName("application", name); err != nil {
		return err
	}
	if strings.Contains(name, ",") || strings.TrimSpace(name) != name {
		return fmt.Errorf("the application %q has a comma in it, or blanks around it: Dubbo separates applications by commas", name)
	}
	return nil
}
