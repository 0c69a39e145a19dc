package conformance

import (
	"io"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// words are the four-letter words, and words that no server knows.
var words = []string{
	"srst", "srvr", "stat", "cons", "conf", "dirs", "dump", "envi", "gtmk", "hash", "isro", "mntr", "ruok", "wchs", "wchc", "wchp",
	"crst", "cons", "srvr", "stmk\x00\x00\x00\x00\x00\x00\x01\x02", "gtmk", "lead", "icfg", "sysp", "RUOK",
}

// TestWords compares the answers to the four-letter words. Both servers have
// the same sessions, znodes and watches.
func TestWords(t *testing.T) {
	reference := realSide(t)
	loopback, _ := embeddedSides(t, reference.release)
	var answers [2][]string
	for i, s := range []*side{reference, loopback} {
		k := &talk{side: s, norm: &normal{sessions: map[int64]string{0: "nobody"}}, clients: map[string]*rawClient{}}
		for _, who := range []string{"one", "two"} {
			k.askAs(who, "ephemeral", opCreate, createBody("/"+who, createEphemeral), "s")
			k.askAs(who, "watch", opGetData, body{}.str("/one").boolean(true), "bS")
			k.askAs(who, "watch nothing", opExists, body{}.str("/no").boolean(true), "S")
			k.askAs(who, "watch children", opGetChildren, body{}.str("/").boolean(true), "C")
		}
		k.askAs("two", "ping", opPing, nil, "")
		k.client("three")
		for _, word := range words {
			answers[i] = append(answers[i], normalWord(word, say(t, s, word)))
		}
		for _, c := range k.clients {
			c.hangUp()
		}
	}
	for i, word := range words {
		if word == "mntr" {
			requireSome(t, answers[0][i], answers[1][i])
			continue
		}
		require.Equal(t, answers[0][i], answers[1][i], word)
	}
}

// say sends a word and returns the whole answer.
func say(t *testing.T, s *side, word string) string {
	t.Helper()
	c, err := s.dial("tcp", s.addr, patience)
	require.NoError(t, err)
	defer c.Close()
	require.NoError(t, c.SetDeadline(time.Now().Add(patience)))
	_, err = c.Write([]byte(word))
	require.NoError(t, err)
	answer, err := io.ReadAll(c)
	if err != nil {
		require.Equal(t, "HUNG UP", problem(err))
	}
	return string(answer)
}

// wordDetails are what two correct servers answer differently.
var wordDetails = []struct {
	pattern *regexp.Regexp
	instead string
}{
	{regexp.MustCompile(`/127\.0\.0\.1:\d+`), "ADDRESS"},
	{regexp.MustCompile(`0x[0-9a-f]{10,}`), "SESSION"},
	{regexp.MustCompile(`(\d+\.\d+)\.\d+-.*`), "$1"},
	{regexp.MustCompile(`(est|lresp|llat|minlat|avglat|maxlat)=\d+`), "$1=N"},
	// A long answer to a word counts as several packets.
	{regexp.MustCompile(`(?m)^(Latency min/avg/max|Sent): .*`), "$1"},
	{regexp.MustCompile(`(clientPort|dataDir|dataDirSize|dataLogDir|dataLogSize)=.*`), "$1"},
	{regexp.MustCompile(`(datadir_size|logdir_size): .*`), "$1"},
}

// normalWord removes from the answer to a word what two correct servers answer
// differently. Lines come in the order of hash tables.
func normalWord(word, answer string) string {
	for _, d := range wordDetails {
		answer = d.pattern.ReplaceAllString(answer, d.instead)
	}
	lines := strings.Split(answer, "\n")
	for i, line := range lines {
		if key, _, found := strings.Cut(line, "="); word == "envi" && found {
			lines[i] = key
		}
	}
	switch word {
	case "cons", "stat", "wchc", "wchp":
		slices.Sort(lines)
	case "dump": // the time of a deadline is up to a tick away from the other's
		lines = slices.DeleteFunc(lines, func(line string) bool { return strings.Contains(line, "expire at") })
		for i, line := range lines {
			lines[i] = regexp.MustCompile(`Sets \(\d+\)/\(\d+\)`).ReplaceAllString(line, "Sets")
		}
		slices.Sort(lines)
	}
	return strings.Join(lines, "\n")
}

// requireSome requires that each line of some occurs in all, except for the
// values of times, sizes and packets sent.
func requireSome(t *testing.T, all, some string) {
	t.Helper()
	vague := regexp.MustCompile(`(?m)^(zk_\w*(latency|uptime|size|sent)\w*)\t.*`)
	lines := strings.Split(vague.ReplaceAllString(all, "$1"), "\n")
	for _, line := range strings.Split(vague.ReplaceAllString(some, "$1"), "\n") {
		require.True(t, slices.Contains(lines, line), line)
	}
}
