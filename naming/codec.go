package naming

import "fmt"

// Codec says how instances are written in ZooKeeper: in which directory, under
// which name, with which bytes. Curator, Spring and Dubbo return one. A Codec
// is safe for concurrent use.
type Codec interface {
	// Base is the default path below which services lie.
	Base() string

	// Dir is the path of the directory that holds the instances of a service
	// and nothing else. The error says why the name is rejected.
	Dir(base, service string) (string, error)

	// Encode returns the name of the instance's znode and its data. For a
	// DynamicSequential instance that is not registered yet, the server appends
	// its number to the name. The error says which field is rejected.
	Encode(in Instance) (name string, data []byte, err error)

	// Decode reads the instance of a service from the name of its znode and its
	// data. A codec with InName ignores the data. Whatever the data are, Decode
	// does not panic: the error is a *MalformedError.
	Decode(service, name string, data []byte) (Instance, error)

	// InName reports whether the name of the znode holds the whole instance. If
	// so its data need not be read, and an instance that changes gets another
	// znode.
	InName() bool
}

// MalformedError says that the codec cannot read an instance from a znode.
// Other instances of the service are not affected.
type MalformedError struct {
	Service string
	Node    string // the znode's name
	Err     error  // the reason; it quotes nothing of the data
}

func (e *MalformedError) Error() string {
	return fmt.Sprintf("instance %q of service %q is malformed: %v", redact(e.Node), e.Service, e.Err)
}

func (e *MalformedError) Unwrap() error { return e.Err }
