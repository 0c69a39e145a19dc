package naming

import (
	"bytes"

	"github.com/docent-go/docent/internal/jsonmerge"
)

// remember keeps the text of an instance that its codec would write in another
// way, so that a change leaves everything else in it as it is. encoded is how the codec
// writes it.
func (in *Instance) remember(data, encoded []byte) {
	if bytes.Equal(encoded, data) {
		return // the codec loses nothing
	}
	from := *in.from()
	from.text, from.encoded = bytes.Clone(data), bytes.Clone(encoded)
	in.origin = &from
}

// keep carries what has changed since an instance was read over into the text
// that it was read from. Encoded is how its codec writes it now.
func (o *origin) keep(encoded []byte) []byte {
	if o.text == nil {
		return encoded
	}
	merged, err := jsonmerge.Merge(o.text, o.encoded, encoded)
	if err != nil {
		return encoded // a text that is not JSON was never read
	}
	return merged
}
