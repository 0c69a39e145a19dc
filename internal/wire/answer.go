package wire

import "fmt"

// The functions here read the bodies of answers, after the headers that
// ParseReply has read. Data of a znode shares the memory of the body. A body
// may be longer than its known fields: a later version of ZooKeeper may add
// more. Names and paths are those that a server can have (see ValidName). All
// other text may be anything, such as the text of an identity or of an ACL.

// answered turns a failure of the decoder into an error that names the answer.
func (d *Decoder) answered(what string) error {
	switch {
	case d.err == nil:
		return nil
	case d.err == ErrMalformed: // any other error has a text of its own
		return fmt.Errorf("the server's answer to %s ends early, or has a length beyond its end: %w", what, d.err)
	}
	return fmt.Errorf("the server's answer to %s has %w", what, d.err)
}

// Created reads the answer to a create of the kind. The Stat is zero for
// OpCreate, whose answer has no stat.
func Created(op Op, body []byte) (path string, stat Stat, err error) {
	d := NewDecoder(body)
	path, stat = d.created(op)
	return path, stat, d.answered("a create")
}

func (d *Decoder) created(op Op) (path string, stat Stat) {
	path = d.path()
	if op != OpCreate {
		stat = d.Stat()
	}
	return path, stat
}

// StatOf reads the answer to exists, setData or setACL.
func StatOf(body []byte) (Stat, error) {
	d := NewDecoder(body)
	stat := d.Stat()
	return stat, d.answered("a request for a stat")
}

// DataOf reads the answer to getData. The data shares the body's memory; absent
// data is nil.
func DataOf(body []byte) ([]byte, Stat, error) {
	d := NewDecoder(body)
	data, stat := d.data()
	return data, stat, d.answered("getData")
}

// data reads data and its stat. The stat has the length of the data, whatever
// the server says: readers count the stat's length.
func (d *Decoder) data() ([]byte, Stat) {
	data, stat := d.View(), d.Stat()
	stat.DataLength = int32(len(data))
	return data, stat
}

// ChildrenOf reads the answer to getChildren2.
func ChildrenOf(body []byte) ([]string, Stat, error) {
	d := NewDecoder(body)
	names, stat := d.names(), d.Stat()
	return names, stat, d.answered("getChildren2")
}

// PathsOf reads the answer to getEphemerals.
func PathsOf(body []byte) ([]string, error) {
	d := NewDecoder(body)
	paths := d.paths()
	return paths, d.answered("getEphemerals")
}

// ACLOf reads the answer to getACL.
func ACLOf(body []byte) ([]ACL, Stat, error) {
	d := NewDecoder(body)
	acl, stat := d.ACL(), d.Stat()
	return acl, stat, d.answered("getACL")
}

// TokenOf reads the answer to a SASL request. The token shares the body's memory.
func TokenOf(body []byte) ([]byte, error) {
	d := NewDecoder(body)
	token := d.View()
	return token, d.answered("a SASL token")
}

// IdentitiesOf reads the answer to whoAmI.
func IdentitiesOf(body []byte) ([]Identity, error) {
	d := NewDecoder(body)
	ids := d.identities()
	return ids, d.answered("whoAmI")
}

// Result is the result of one operation of a Multi or a MultiRead.
type Result struct {
	Op       Op   // the kind in the answer; -1 for an operation without an answer of its own
	Code     Code // of an operation without an answer: its refusal, or 0 if it came before the refused one
	Path     string
	Stat     Stat
	Data     []byte // shares the body's memory
	Children []string
}

// ResultsOf reads the answer to a Multi or a MultiRead of ops operations. It
// rejects an answer with more results. A server may answer a create that was
// sent as OpCreate2 in either form.
func ResultsOf(body []byte, ops int) ([]Result, error) {
	d := NewDecoder(body)
	results := make([]Result, 0, max(0, min(ops, len(body)/MultiHeader-1)))
	for {
		r, more := d.result()
		switch {
		case !more:
			if err := d.answered("a transaction"); err != nil {
				return nil, err
			}
			return results, nil
		case len(results) == ops:
			return nil, fmt.Errorf("the server's answer to a transaction of %d operations holds more results", ops)
		}
		results = append(results, r)
	}
}

// result reads one result. more is false at the end, and after a failure.
func (d *Decoder) result() (r Result, more bool) {
	r.Op = Op(d.Int32())
	end := d.Bool()
	d.Int32() // the code, which the body repeats
	if d.err != nil || end {
		return Result{}, false
	}
	switch r.Op {
	case opEnd:
		r.Code = Code(d.Int32())
	case OpCreate, OpCreate2:
		r.Path, r.Stat = d.created(r.Op)
	case OpSetData:
		r.Stat = d.Stat()
	case OpGetData:
		r.Data, r.Stat = d.data()
	case OpGetChildren:
		r.Children = d.names()
	case OpDelete, OpCheck:
	default:
		d.err = fmt.Errorf("a result of kind %d, which no transaction has: %w", r.Op, ErrMalformed)
	}
	return r, d.err == nil
}

// FirstFailure returns the index and the code of the first failed operation of
// a transaction, or CodeOK if no operation has failed.
func FirstFailure(results []Result) (at int, code Code) {
	for i, r := range results {
		if r.Op == opEnd && r.Code != CodeOK {
			return i, r.Code
		}
	}
	return 0, CodeOK
}

// CheckResults returns an error unless results are the results of a transaction
// of ops operations: one for each, and either all done or none.
func CheckResults(results []Result, ops int) error {
	if len(results) != ops {
		return fmt.Errorf("the server's answer to a transaction of %d operations has %d results", ops, len(results))
	}
	undone := 0
	for _, r := range results {
		if r.Op == opEnd {
			undone++
		}
	}
	if _, code := FirstFailure(results); undone != 0 && (undone != ops || code == CodeOK) {
		return fmt.Errorf("the server's answer to a transaction of %d operations has %d that were undone, and does not say why all were", ops, undone)
	}
	return nil
}
