// Package wrapped has no code. Its tests read the module's code. They find
// errors that are wrapped although they may be nil: such a wrap prints
// "%!w(<nil>)" and makes a failure of a success. And they find answers of a
// server that are wrapped with the text of go-zookeeper.
package wrapped
