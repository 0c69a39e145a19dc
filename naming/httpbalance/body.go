package httpbalance

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"

	"github.com/docent-go/docent/naming"
)

// body is the body of a response. The call to the instance lasts until the body
// has been read or is closed.
type body struct {
	io.ReadCloser
	once   sync.Once
	picked naming.Picked[naming.Instance]
	status error // of the response
}

// follow has the end of a response report the result to the balancer. After a
// switch to another protocol, the body can still be written to.
func follow(resp *http.Response, p naming.Picked[naming.Instance]) io.ReadCloser {
	b := &body{ReadCloser: resp.Body, picked: p}
	switch resp.StatusCode {
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		b.status = fmt.Errorf("status %d", resp.StatusCode)
	}
	if w, ok := resp.Body.(io.Writer); ok {
		return struct {
			*body
			io.Writer
		}{b, w}
	}
	return b
}

func (b *body) done(err error) {
	b.once.Do(func() { b.picked.Done(err) })
}

// Read implements io.Reader.
func (b *body) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	switch {
	case errors.Is(err, io.EOF):
		b.done(b.status)
	case err != nil:
		b.done(err)
	}
	return n, err
}

// Close implements io.Closer.
func (b *body) Close() error {
	b.done(b.status)
	return b.ReadCloser.Close()
}
