// Package misuse words what only a mistake in the program can bring about: the
// zero value of a type that a constructor makes, a nil Manager, a nil function.
// Such a call panics with a sentence that names the mistake.
package misuse

// If panics with the message if bad holds.
func If(bad bool, message string) {
	if bad {
		panic("docent: " + message)
	}
}

// ZeroValue panics if a value was not made by its constructor. what is the type,
// constructor what makes it.
func ZeroValue(zero bool, what, constructor string) {
	if zero {
		panic("docent: a zero " + what + " is used: get one from " + constructor)
	}
}

// NilFunc panics if a call was given no function to run.
func NilFunc(isNil bool, call string) {
	if isNil {
		panic("docent: " + call + " is called with a nil function")
	}
}

// Apply applies options. It panics if one is nil; call is what they were given to.
func Apply[T any, O ~func(*T)](call string, to *T, opts []O) {
	for _, o := range opts {
		If(o == nil, call+" is given a nil option: leave it out")
		o(to)
	}
}

// NilManager panics if a call was given no Manager.
func NilManager(isNil bool, call string) {
	If(isNil, call+" is given a nil Manager: give the one of session.Dial or session.Start")
}
