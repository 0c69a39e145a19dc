package docentgocron_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/go-co-op/gocron/v2"

	docentgocron "github.com/docent-go/docent/contrib/gocron"
	"github.com/docent-go/docent/lock"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

func Example() {
	zk, err := zktest.Start() // in a program: the servers of an ensemble
	if err != nil {
		log.Fatal(err)
	}
	defer zk.Close()

	done := make(chan int64, 2)
	for range 2 { // in a program: one replica in each process
		sm, err := session.Dial(context.Background(), session.Config{Servers: []string{"zk1"}, Dialer: zk.DialContext})
		if err != nil {
			log.Fatal(err)
		}
		defer sm.Close()
		s, err := gocron.NewScheduler()
		if err != nil {
			log.Fatal(err)
		}
		defer func() {
			if err := s.Shutdown(); err != nil {
				log.Fatal(err)
			}
		}()
		job := docentgocron.NewJob(sm, "/jobs/report", 10*time.Minute)
		task := job.Task(func(_ context.Context, r *lock.Run) error {
			done <- r.Token()
			return nil
		})
		// The start makes the first tick come now; the definition has the others.
		if _, err := s.NewJob(gocron.CronJob("*/10 * * * *", false), task, job.Option(),
			gocron.WithStartAt(gocron.WithStartImmediately())); err != nil {
			log.Fatal(err)
		}
		s.Start()
	}
	fmt.Println("the report was written, with a token:", <-done > 0)
	// Output: the report was written, with a token: true
}
