package wire

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// readersByOp are the readers of the answers to each kind of request that has a
// body.
var readersByOp = map[Op]*reader{
	OpCreate: &createdOldReader, OpCreate2: &createdReader, OpCreateContainer: &createdReader, OpCreateTTL: &createdReader,
	OpExists: &statReader, OpSetData: &statReader, OpSetACL: &statReader, OpGetData: &dataReader, OpGetChildren2: &childrenReader,
	OpGetACL: &aclReader, OpGetEphemerals: &pathsReader, OpSASL: &tokenReader, OpWhoAmI: &identitiesReader,
	OpMulti: &resultsReader, OpMultiRead: &resultsReader,
}

// Readable agrees with the readers about the form of each answer, and allocates
// nothing for it.
func TestReadable(t *testing.T) {
	for op, r := range readersByOp {
		for _, v := range answers[r] {
			body := r.back(v)
			if results, ok := v.([]Result); ok && len(results) == 0 {
				require.ErrorContains(t, Reply{Body: body}.Readable(op), "the server's answer to "+op.String()+" has no results")
				continue
			}
			require.NoError(t, Reply{Body: body}.Readable(op), "%v", op)
			require.NoError(t, Reply{Body: append(body, "more"...)}.Readable(op), "%v", op)
			require.Zero(t, testing.AllocsPerRun(10, func() {
				if err := (Reply{Body: body}).Readable(op); err != nil {
					t.Fatal(err)
				}
			}), "%v", op)
			for n := range body {
				err := Reply{Body: body[:n:n]}.Readable(op)
				require.ErrorIs(t, err, ErrMalformed, "%v, %d of %d bytes", op, n, len(body))
				if op != OpSASL {
					require.ErrorContains(t, err, "the server's answer to "+op.String())
				}
				require.NoError(t, Reply{Code: CodeNoNode, Body: body[:n]}.Readable(op), "the body of an error is not read")
			}
		}
	}
	for _, op := range []Op{OpDelete, OpSync, OpSetWatches, OpSetWatches2, OpRemoveWatches, OpAddWatch, OpAuth, OpCloseSession, OpPing} {
		require.NoError(t, Reply{}.Readable(op), "%v has no body", op)
	}
}

// An answer that its reader accepts is readable. A readable answer that its
// reader rejects has wrong names, or more results than operations.
func FuzzReadable(f *testing.F) {
	for op, r := range readersByOp {
		for _, v := range answers[r] {
			f.Add(int32(op), r.back(v))
		}
	}
	f.Fuzz(func(t *testing.T, kind int32, body []byte) {
		op := Op(kind)
		r := readersByOp[op]
		if r == nil {
			return
		}
		var readable error
		bounded(t, body, func() { readable = Reply{Body: body}.Readable(op) })
		v, err := r.read(body)
		results, _ := v.([]Result)
		switch {
		case err == nil && readable != nil && (r != &resultsReader || len(results) > 0):
			t.Fatalf("%v: %x is read and is not readable: %v", op, body, readable)
		case err != nil && readable == nil:
			require.Regexp(t, "which no znode can have|holds more results", err.Error())
		}
	})
}
