// Package misuse has the panics for mistakes in the user's program: the zero
// value of a type with a constructor, a nil Manager, a nil function. The
// panic's text names the mistake.
package misuse

// If panics with the message if bad holds.
func If(bad bool, message string) {
	if bad {
		panic("docent: " + message)
	}
}

// ZeroValue panics if a value was not made by its constructor. what names the
// type.
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

// Apply applies options to to. It panics if an option is nil; call names the
// call with the options.
func Apply[T any, O ~func(*T)](call string, to *T, opts []O) {
	for _, o := range opts {
		NilOption(o == nil, call)
		o(to)
	}
}

// NilOption panics if a call was given a nil option.
func NilOption(isNil bool, call string) {
	If(isNil, call+" is given a nil option: leave it out")
}

// NilManager panics if a call was given no Manager.
func NilManager(isNil bool, call string) {
	If(isNil, call+" is given a nil Manager: give the one of session.Dial or session.Start")
}
