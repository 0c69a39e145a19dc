package demo

import (
	"encoding/json"
	"fmt"
	"io"
	"sync"
	"time"
)

// narrator writes the story down. It is safe for concurrent use: many speak.
type narrator struct {
	w     io.Writer
	json  bool
	start time.Time

	mu      sync.Mutex
	chapter string
	err     error // the first of writing
}

// event is one line of the story.
type event struct {
	Seconds float64 `json:"seconds"` // since the start
	Chapter string  `json:"chapter,omitempty"`
	Event   string  `json:"event"` // begin, chapter, said, proven, end
	Who     string  `json:"who,omitempty"`
	Text    string  `json:"text"`
}

func (n *narrator) tell(e event, text string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	e.Seconds, e.Chapter = time.Since(n.start).Seconds(), n.chapter
	var err error
	if n.json {
		err = json.NewEncoder(n.w).Encode(e)
	} else {
		_, err = fmt.Fprintln(n.w, text)
	}
	if n.err == nil && err != nil {
		n.err = fmt.Errorf("print the story: %w", err)
	}
}

func (n *narrator) prologue() {
	text := "Docent on an embedded server: real time, sessions of two seconds, about five seconds in all."
	n.tell(event{Event: "begin", Text: text}, text)
}

func (n *narrator) open(number int, c chapter) {
	n.mu.Lock()
	n.chapter = c.name
	n.mu.Unlock()
	n.tell(event{Event: "chapter", Text: c.title}, fmt.Sprintf("\n== %d. %s ==\n", number, c.title))
}

// say prints an event of a process, of the server or of the network.
func (n *narrator) say(who, format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	at := time.Since(n.start).Seconds()
	n.tell(event{Event: "said", Who: who, Text: text}, fmt.Sprintf("%7.3fs  %-9s %s", at, who, text))
}

// claim prints a claim that holds. It fails if the claim does not hold.
func (n *narrator) claim(holds bool, format string, args ...any) error {
	text := fmt.Sprintf(format, args...)
	if !holds {
		return fmt.Errorf("the claim does not hold: %s", text)
	}
	n.tell(event{Event: "proven", Text: text}, "      ok:  "+text)
	return nil
}

func (n *narrator) epilogue() {
	n.mu.Lock()
	n.chapter = ""
	n.mu.Unlock()
	text := "All claims were checked, and hold."
	n.tell(event{Event: "end", Text: text}, "\n"+text)
}
