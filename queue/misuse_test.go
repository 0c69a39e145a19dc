package queue_test

import (
	"testing"

	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/queue"
)

func TestFault59_Misuse(t *testing.T) {
	testworld.Misuse(t,
		queue.New, queue.Claims, queue.Consumer, queue.DeadLetters, queue.Items, queue.Layout, queue.Limit,
		queue.MaxAttempts, queue.OnDead, queue.OnSkipped, queue.At, queue.Delay, queue.Priority,
		queue.Backoff, queue.OnError, queue.Prefetch, queue.Workers, queue.After, queue.Reason, queue.WithoutAttempt,
		new(queue.Queue), new(queue.Item), queue.New(nil, "/a"),
	)
}
