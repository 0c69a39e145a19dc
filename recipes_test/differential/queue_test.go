//go:build unix

package differential

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/base/znode"
	"github.com/docent-go/docent/queue"
	"github.com/docent-go/docent/recipes_test/peers"
	"github.com/docent-go/docent/session"
)

// frame makes the data of an item in a queue of Curator's.
func (d dice) frame() []byte {
	b := binary.BigEndian.AppendUint32(nil, 0x00010001)
	for range d.IntN(5) {
		item := d.bytes(pick(d, 0, 1, 10, 300))
		b = append(b, 1)
		b = binary.BigEndian.AppendUint32(b, uint32(len(item)))
		b = append(b, item...)
	}
	b = append(b, 2)
	switch d.IntN(10) {
	case 0:
		return append(b, d.bytes(4)...)
	case 1:
		return b[:d.IntN(len(b))]
	case 2: // a version, an opcode or a length changed
		at := d.IntN(len(b))
		b[at] = byte(d.IntN(4))
		return b
	case 3: // lengths that lie
		return append(binary.BigEndian.AppendUint32(append(b[:len(b)-1], 1), pick[uint32](d, 0, 1, 1000, 1<<16, 0x7fffffff, 0x80000000, 0xffffffff)), d.bytes(3)...)
	case 4:
		return d.bytes(20)
	}
	return b
}

// What Curator delivers of the data of an item, Docent delivers, one by one.
func TestFrame(t *testing.T) {
	p, d, c := newPlace(t), throw(t), newTally(t)
	java, dead := curator(t), 0
	for done := 0; done < amount(t); done += atOnce {
		path := fmt.Sprintf("/frames%d", done)
		require.NoError(t, p.EnsureDir(p.ctx, path+"/items"))
		values := make([][]byte, min(atOnce, amount(t)-done))
		for i := range values {
			values[i] = d.frame()
		}
		for some := range slices.Chunk(values, 100) {
			ops := make([]session.Op, len(some))
			for i, value := range some {
				ops[i] = session.CreateOp(path+"/items/queue-", value, session.Sequential)
			}
			_, err := p.Txn(p.ctx, ops...)
			require.NoError(t, err)
		}
		q := queue.New(p.Manager, path)
		var entries []queue.Entry
		for e, err := range q.List(p.ctx) {
			require.NoError(t, err)
			entries = append(entries, e)
		}
		require.Len(t, entries, len(values))
		for i, theirs := range java.Ask(t, "frame", values...) {
			c.count(p.compareFrame(t, q, theirs, entries[i]), values[i])
		}
		_, err := q.TryTake(p.ctx)
		require.ErrorIs(t, err, queue.ErrEmpty, "all are delivered, or dead")
		for letter, err := range q.Dead(p.ctx) {
			require.NoError(t, err)
			require.True(t, letter.Malformed)
			require.NotEmpty(t, letter.Reason)
			dead++
		}
	}
	require.Equal(t, c.values-c.alike, dead)
	c.needs("no item")
	require.NotZero(t, c.rejected)
}

// compareFrame compares what a peer reads with the first item of the queue that
// can be read, and takes that item.
func (p *place) compareFrame(t *testing.T, q *queue.Queue, theirs peers.Answer, e queue.Entry) outcome {
	t.Helper()
	switch {
	case theirs.Refused && e.Malformed:
		return outcome{rejected: true}
	case e.Malformed && theirs.Text == "":
		return outcome{explained: "no item"}
	case e.Malformed || theirs.Refused:
		return outcome{what: fmt.Sprintf("Curator: %+v, Docent: %+v", theirs, e)}
	}
	for i, line := range strings.Split(theirs.Text, "\n") {
		item, err := q.TryTake(p.ctx)
		if err != nil {
			return outcome{what: fmt.Sprintf("Docent has no item %d: %v", i, err)}
		}
		require.Equal(t, e.ID, item.ID)
		if got := "=" + hex.EncodeToString(item.Data); got != line {
			return outcome{what: fmt.Sprintf("the item %d is %s for Curator, and %s for Docent", i, line, got)}
		}
		require.NoError(t, item.Ack())
	}
	return outcome{alike: true}
}

// What Docent puts, Curator reads.
func TestFrameBack(t *testing.T) {
	p, d, c := newPlace(t), throw(t), newTally(t)
	java := curator(t)
	q := queue.New(p.Manager, "/frames")
	for done := 0; done < amount(t); done += atOnce {
		items := make([]queue.Msg, min(atOnce, amount(t)-done))
		for i := range items {
			items[i].Data = d.bytes(pick(d, 0, 1, 50))
		}
		ids, err := q.PutBatch(p.ctx, items...)
		require.NoError(t, err)
		var values, texts [][]byte
		for i, id := range ids {
			data, _, err := p.Get(p.ctx, "/frames/items/queue-"+string(id))
			require.NoError(t, err)
			values, texts = append(values, data), append(texts, []byte(hex.EncodeToString(items[i].Data)))
		}
		written := java.Ask(t, "frame as bytes", texts...)
		for i, theirs := range java.Ask(t, "frame", values...) {
			c.count(outcome{
				alike: theirs.Text == "="+string(texts[i]) && written[i].Text == hex.EncodeToString(values[i]),
				what:  fmt.Sprintf("Curator reads %s, and would write %s", theirs.Text, written[i].Text),
			}, values[i])
		}
	}
}

// When an item is due for Curator, it is due for Docent.
func TestDue(t *testing.T) {
	p, d, c := newPlace(t), throw(t), newTally(t)
	java := curator(t)
	for done := 0; done < amount(t); done += atOnce {
		path := fmt.Sprintf("/due%d", done)
		require.NoError(t, p.EnsureDir(p.ctx, path+"/items"))
		var epochs [][]byte
		for range atOnce {
			epochs = append(epochs, strconv.AppendInt(nil, pick(d, 0, 1, -1, 1600000000000, int64(d.Uint64()), d.Int64N(4e12)), 10))
		}
		texts := java.Ask(t, "due as text", epochs...)
		var names [][]byte
		given := make(map[string]bool)
		for i := range min(atOnce, amount(t)-done) {
			if name := d.delayed(texts[i].Text, i); !given[string(name)] && znode.ValidateName(string(name)) == nil {
				given[string(name)] = true
				names = append(names, name)
			}
		}
		for some := range slices.Chunk(names, 100) {
			ops := make([]session.Op, len(some))
			for i, name := range some {
				ops[i] = session.CreateOp(path+"/items/"+string(name), []byte("\x00\x01\x00\x01\x01\x00\x00\x00\x01x\x02"), session.Persistent)
			}
			_, err := p.Txn(p.ctx, ops...)
			require.NoError(t, err)
		}
		due := make(map[string]time.Time)
		for e, err := range queue.New(p.Manager, path).List(p.ctx) {
			require.NoError(t, err)
			due[string(e.ID)] = e.Due
		}
		for i, theirs := range java.Ask(t, "due", names...) {
			c.count(compareDue(t, string(names[i]), theirs, due), names[i])
		}
	}
	c.needs("another name")
}

// delayed makes the name of an item with a number of its own. due is as Curator
// writes it, with bars around it.
func (d dice) delayed(due string, number int) []byte {
	name := fmt.Sprintf("queue-%s%010d", due, number)
	switch d.IntN(12) {
	case 0:
		name = fmt.Sprintf("queue-%s%s%010d", due, pick(d, "100000005", "0FFFFFFFB", "000000005", "2", "|"), number)
	case 1:
		name = fmt.Sprintf("queue-|%s|%010d", pick(d, "", "id", "-5", "+5", "zz", "ffff", "0", " 1", "1.5", "٣"), number)
	case 2:
		name = string(d.mutate([]byte(name[:len(name)-10]))) + name[len(name)-10:]
	}
	return []byte(name)
}

func compareDue(t *testing.T, name string, theirs peers.Answer, all map[string]time.Time) outcome {
	t.Helper()
	epoch, err := strconv.ParseInt(theirs.Text, 10, 64)
	require.NoError(t, err)
	ours, listed := all[name[len(name)-10:]]
	switch {
	case !listed:
		if strings.HasPrefix(name, "queue-|") && regular(name) {
			return outcome{what: "Docent does not know the name"}
		}
		return outcome{explained: "another name"}
	case ours.IsZero() && epoch <= 0, !ours.IsZero() && ours.UnixMilli() == epoch:
		return outcome{alike: true}
	case ours.Year() == lastYear && ours.UnixMilli() < epoch:
		return outcome{explained: "due late"}
	}
	return outcome{what: fmt.Sprintf("due at %d for Curator, at %v for Docent", epoch, ours)}
}

// regular reports whether Curator's delay queue can have made the name.
func regular(name string) bool {
	due, number, ok := strings.Cut(strings.TrimPrefix(name, "queue-|"), "|")
	if !ok || len(due) < 8 || len(number) != 10 || strings.Trim(number, "0123456789") != "" {
		return false
	}
	n, err := strconv.ParseUint(due, 16, 64)
	return err == nil && fmt.Sprintf("%08X", n) == due
}

// The order in which kazoo gets items is Docent's, and each makes the names
// that the other reads.
func TestKazooQueueOrder(t *testing.T) {
	p, d, c := newPlace(t), throw(t), newTally(t)
	python := kazoo(t)
	for layout, f := range map[string]queue.Format{"queue": queue.KazooQueue, "locking queue": queue.KazooLockingQueue} {
		var questions [][]byte
		var orders [][]string
		for done := 0; done < amount(t); done += 50 {
			path := fmt.Sprintf("/%s%d", strings.Fields(layout)[0], done)
			dir := path
			if f == queue.KazooLockingQueue {
				dir += "/entries"
			}
			require.NoError(t, p.EnsureDir(p.ctx, dir))
			var names []string
			var ops []session.Op
			for i := range 50 {
				names = append(names, fmt.Sprintf("entry-%03d-%010d", pick(d, 100, 0, 999, d.IntN(1000)), i))
				ops = append(ops, session.CreateOp(dir+"/"+names[i], []byte("x"), session.Persistent))
			}
			_, err := p.Txn(p.ctx, ops...)
			require.NoError(t, err)
			var order []string
			for e, err := range queue.New(p.Manager, path, queue.Layout(f)).List(p.ctx) {
				require.NoError(t, err)
				order = append(order, fmt.Sprintf("entry-%03d-%s", e.Priority, e.ID))
			}
			d.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
			questions, orders = append(questions, []byte(strings.Join(names, "\n"))), append(orders, order)
		}
		for i, theirs := range python.Ask(t, layout, questions...) {
			for j, name := range strings.Split(theirs.Text, "\n") {
				c.count(outcome{alike: name == orders[i][j], what: fmt.Sprintf("number %d is %s for kazoo, and %s for Docent", j, name, orders[i][j])}, []byte(name))
			}
		}
	}
	for _, priority := range []int{0, 7, 42, 100, 999} {
		for layout, f := range map[string]queue.Format{"queue name": queue.KazooQueue, "locking queue name": queue.KazooLockingQueue} {
			theirs := python.Ask(t, layout, []byte(strconv.Itoa(priority)))[0]
			require.False(t, theirs.Refused, theirs.Text)
			path := fmt.Sprintf("/made%d%d", priority, f)
			_, err := queue.New(p.Manager, path, queue.Layout(f)).Put(p.ctx, nil, queue.Priority(priority))
			require.NoError(t, err)
			dir := path + strings.TrimPrefix(theirs.Text[:strings.LastIndex(theirs.Text, "/")], "/q")
			names, _, err := p.Children(p.ctx, dir)
			require.NoError(t, err)
			require.Equal(t, []string{theirs.Text[strings.LastIndex(theirs.Text, "/")+1:] + "0000000000"}, names)
		}
	}
}

// The order of Curator's priority queue, which is the order of the names as
// texts, is Docent's.
func TestPriorities(t *testing.T) {
	p, d, c := newPlace(t), throw(t), newTally(t)
	java := curator(t)
	for done := 0; done < amount(t); done += 50 {
		path := fmt.Sprintf("/priorities%d", done)
		require.NoError(t, p.EnsureDir(p.ctx, path+"/items"))
		var priorities [][]byte
		for range 50 {
			priorities = append(priorities, strconv.AppendInt(nil, int64(pick(d, 0, 1, -1, 5, int32(d.Uint32()), -1<<31, 1<<31-1)), 10))
		}
		var names []string
		var ops []session.Op
		for i, text := range java.Ask(t, "priority as text", priorities...) {
			names = append(names, fmt.Sprintf("queue-%s%010d", text.Text, i))
			ops = append(ops, session.CreateOp(path+"/items/"+names[i], nil, session.Persistent))
		}
		_, err := p.Txn(p.ctx, ops...)
		require.NoError(t, err)
		want := slices.Sorted(slices.Values(names))
		i := 0
		for e, err := range queue.New(p.Manager, path).List(p.ctx) {
			require.NoError(t, err)
			number, err := strconv.Atoi(string(e.ID))
			require.NoError(t, err)
			meant, err := strconv.Atoi(string(priorities[number]))
			require.NoError(t, err)
			c.count(outcome{
				alike: strings.HasSuffix(want[i], string(e.ID)) && e.Priority == meant,
				what:  fmt.Sprintf("number %d is %s for Curator, and %s with priority %d for Docent", i, want[i], e.ID, e.Priority),
			}, []byte(want[i]))
			i++
		}
		require.Equal(t, len(names), i)
	}
}
