package ui

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// A request that reads has no body. The server would wait for the body of a
// request for events, without a limit: a viewer that never reads would keep its
// place, its connection and its report.
func TestBodyOfARequestThatReads(t *testing.T) {
	inBubble(t, nil, func(b *bubble) {
		for _, ask := range []string{askEvents, askAbout, strings.Replace(askEvents, "GET", "HEAD", 1)} {
			for _, header := range []string{"Content-Length: 10", "Transfer-Encoding: chunked", "Content-Length: 300000", "Content-Length: 10\r\nExpect: 100-continue"} {
				c := b.dial(strings.TrimSuffix(ask, "\r\n") + header + "\r\n\r\n")
				require.NoError(b, c.SetReadDeadline(time.Now().Add(time.Hour)))
				require.Equal(b, http.StatusBadRequest, c.answer().StatusCode, "%s %s", ask, header)
				c.requireClosed()
				synctest.Wait()
				b.seats(0)
			}
		}
		c := b.dial(strings.TrimSuffix(askAbout, "\r\n") + "Content-Length: 0\r\n\r\n")
		require.Equal(b, http.StatusOK, c.answer().StatusCode)
	})
}

// Clients without a token do not delay the end of the server.
func TestStrangersAtTheEnd(t *testing.T) {
	inBubble(t, nil, func(b *bubble) {
		for _, sent := range []string{"", "GET / HT", "POST /api/drain HTTP/1.1\r\nHost: page\r\n"} {
			b.dial(sent)
		}
		synctest.Wait()
		begun := time.Now()
		b.end()
		require.Less(b, time.Since(begun), time.Second)
		require.Empty(b, b.log.String())
	})
}
