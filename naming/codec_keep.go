package naming

import (
	"github.com/docent-go/docent/internal/base/jsonmerge"
)

// jsonCodec is a codec whose data is JSON.
type jsonCodec interface {
	// read decodes a text. The strings of the result may be parts of the text.
	read(service, name, text string) (Instance, error)
	// appendJSON encodes an instance.
	appendJSON(b []byte, in *Instance) ([]byte, error)
}

// remember keeps the text of an instance, unless it is what its codec would
// write. So a change of the instance leaves everything else in the text as it
// is.
func (in *Instance) remember(text string, encoded []byte, service, name string) {
	if string(encoded) == text {
		return // the codec loses nothing
	}
	text = document(text)
	from := *in.from()
	from.text, from.service, from.name = text, service, name
	in.origin = &from
}

// keep merges the changes since an instance was read into the text that it was
// read from. encoded is what the codec writes for in now. What it would have written
// then is not kept, since it is as large as the text.
//
// A text of another layout may not hold the changes: Spring's reader also reads
// Curator's payloads, which have other places for them. Then encoded replaces
// the text.
func (o *origin) keep(c jsonCodec, in *Instance, encoded []byte) []byte {
	if o.text == "" {
		return encoded
	}
	was, err := c.read(o.service, o.name, o.text)
	if err != nil {
		return encoded // an instance of another codec
	}
	before, err := c.appendJSON(nil, &was)
	if err != nil {
		return encoded
	}
	merged, err := jsonmerge.Merge([]byte(o.text), before, encoded)
	if err != nil {
		return encoded // cannot happen: a text that is not JSON was never read
	}
	if is, err := c.read(in.Service, in.ID, string(merged)); err == nil {
		if again, err := c.appendJSON(nil, &is); err == nil && jsonmerge.Equal(again, encoded) {
			return merged
		}
	}
	return encoded
}
