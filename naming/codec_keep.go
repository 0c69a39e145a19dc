package naming

import (
	"bytes"

	"github.com/docent-go/docent/internal/base/jsonmerge"
)

// remember keeps the text of an instance if its codec would write it
// differently. So a change of the instance leaves everything else in the text
// as it is. encoded is what the codec writes.
func (in *Instance) remember(data, encoded []byte) {
	if bytes.Equal(encoded, data) {
		return // the codec loses nothing
	}
	from := *in.from()
	from.text, from.encoded = bytes.Clone(data), bytes.Clone(encoded)
	in.origin = &from
}

// keep merges the changes since an instance was read into the text that it was
// read from. encoded is what the codec writes now.
func (o *origin) keep(encoded []byte) []byte {
	if o.text == nil {
		return encoded
	}
	merged, err := jsonmerge.Merge(o.text, o.encoded, encoded)
	if err != nil {
		return encoded // cannot happen: a text that is not JSON was never read
	}
	return merged
}
