package zktest

import "time"

// reports is what a follower knows of its sessions that its leader does not
// know yet. Everything is guarded by Server.mu.
type reports struct {
	every time.Duration
	heard map[*session]struct{} // since the last report
	timer *time.Timer
}

// FollowerReports makes the server expire sessions as a leader does whose
// clients are connected to a follower: with each report, the follower tells the
// leader which sessions it has heard from since the report before. The leader
// counts their timeouts from the arrival of the report. Real followers report
// every half tick. The first report comes after d. A handshake is told to the
// leader at once. A d of 0 makes every request count at once again.
func (s *Server) FollowerReports(d time.Duration) {
	s.do(func() {
		if s.reports.timer != nil {
			s.reports.timer.Stop()
		}
		s.reports = reports{every: d, heard: make(map[*session]struct{})}
		if d > 0 {
			s.reports.timer = time.AfterFunc(d, s.report)
		}
	})
}

// LoseReport makes the follower forget what it has heard since its last report.
// A follower that dies forgets it too. Cut the links of its clients as well.
func (s *Server) LoseReport() { s.do(func() { clear(s.reports.heard) }) }

func (s *Server) report() {
	s.do(func() {
		for sess := range s.reports.heard {
			sess.touch()
		}
		clear(s.reports.heard)
		if s.reports.every > 0 {
			s.reports.timer.Reset(s.reports.every)
		}
	})
}

// hear notes a request of a session.
func (s *Server) hear(sess *session) {
	if s.reports.every > 0 {
		s.reports.heard[sess] = struct{}{}
		return
	}
	sess.touch()
}
