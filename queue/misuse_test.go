package queue_test

import (
	"testing"

	"github.com/docent-go/docent/internal/testworld"
	"github.com/docent-go/docent/queue"
)

func TestFault59_Misuse(t *testing.T) {
	testworld.Misuse(t, new(queue.Queue), new(queue.Item), queue.New(nil, "/a"))
}
