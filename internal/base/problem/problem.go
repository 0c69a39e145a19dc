// Package problem tells a user's function of a problem that lasts.
package problem

// Reporter calls a function once for each problem, and with nil when the problem
// is over. It is not safe for concurrent use.
type Reporter struct {
	tell func(error) // nil: nobody is told
	last string      // the text of the present problem; empty if there is none
}

// To returns a Reporter that calls f, which may be nil.
func To(f func(error)) Reporter { return Reporter{tell: f} }

// Report reports the present problem, or nil if there is none. It calls the
// function unless the text is that of the last report.
func (r *Reporter) Report(err error) {
	text := ""
	if err != nil {
		text = err.Error()
	}
	if text == r.last {
		return
	}
	r.last = text
	if r.tell != nil {
		r.tell(err)
	}
}
