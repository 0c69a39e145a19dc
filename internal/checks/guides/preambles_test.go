package guides

// preambles has what each page takes for granted, as declarations of Go. A value of Docent
// has a type of Docent. Everything else is the reader's own.
var preambles = map[string]string{
	"docs/barrier.md": `
var ctx context.Context
var sm *session.Manager
var epoch *barrier.Double
func compute(context.Context) error
`,
	"docs/config.md": `
var ctx context.Context
var sm *session.Manager
var limits *config.Value[Limits]
type Limits struct{ QPS int }
var data, host, size []byte
func apply(any)
func resize(int)
func reload()
`,
	"docs/counter.md": `
var ctx context.Context
var sm *session.Manager
`,
	"docs/election.md": `
var ctx context.Context
var sm *session.Manager
var e *election.Election
var t *election.Term
var plan []byte
var errFenced error
func schedule(context.Context, int64) error
func write(context.Context, int64) error
`,
	"docs/groupmembership.md": `
var ctx context.Context
var sm *session.Manager
var g *groupmembership.Group
var m *groupmembership.Membership
var host string
var errOldToken error
var p *groupmembership.Partitioner
func consume(ctx context.Context, partition int, token int64) error
`,
	"docs/inspect.md": `
var ctx context.Context
var sm *session.Manager
var path string
`,
	"docs/lock.md": `
var ctx context.Context
var sm *session.Manager
var m *lock.Mutex
var h *lock.Hold
var path string
var data []byte
var row any
var store interface{ Write(ctx context.Context, row any, token int64) error }
func read(context.Context) error
func write(context.Context, int64) error
func report(context.Context, int64) error
func backup(context.Context) error
func transfer(context.Context, int64) error
var errFenced error
var o *lock.Once
`,
	"docs/frameworks.md": `
var ctx context.Context
var current interface{ Store(any) }
var sm *session.Manager
func report(context.Context, int64) error
`,
	"docs/naming.md": `
var ctx context.Context
var sm *session.Manager
var registry *naming.Registry
var orders *naming.Service
var now, sequence int64
`,
	"docs/observability.md": `
var ctx context.Context
var sm *session.Manager
var servers []string
var orders *naming.Service
`,
	"docs/queue.md": `
var ctx context.Context
var sm *session.Manager
var q *queue.Queue
var data []byte
func send(context.Context, []byte) error
`,
	"docs/security.md": `
var ctx context.Context
var password string
var ca *x509.CertPool
var listener net.Listener
var registry *naming.Registry
var orders *naming.Service
func serve(http.ResponseWriter, *http.Request)
`,
	"docs/sessions-and-holds.md": `
var ctx context.Context
var sm *session.Manager
var hold *session.Hold
var secret string
var data []byte
`,
	"sessiontest/doc.go": `
func Export(context.Context, *session.Manager) error
`,
	"docs/testing.md": `
var srv *zktest.Server
func export(context.Context, *session.Manager) error
`,

	"barrier/doc.go": `
var ctx context.Context
var sm *session.Manager
func compute(context.Context) error
`,
	"config/doc.go": `
var ctx context.Context
var sm *session.Manager
type Limits struct{ QPS int }
func apply(Limits)
`,
	"contrib/gocron/doc.go": `
var sm *session.Manager
func report(context.Context, int64) error
`,
	"contrib/grpcresolver/doc.go": `
var sm *session.Manager
`,
	"contrib/koanf/doc.go": `
var ctx context.Context
var sm *session.Manager
var current atomic.Pointer[koanf.Koanf]
`,
	"contrib/kratos/doc.go": `
var ctx context.Context
var sm *session.Manager
`,
	"contrib/otel/doc.go": `
var ctx context.Context
var servers []string
`,
	"contrib/prom/doc.go": `
var ctx context.Context
var servers []string
`,
	"counter/doc.go": `
var ctx context.Context
var sm *session.Manager
`,
	"election/doc.go": `
var ctx context.Context
var sm *session.Manager
func schedule(context.Context) error
`,
	"groupmembership/doc.go": `
var ctx context.Context
var sm *session.Manager
`,
	"inspect/doc.go": `
var ctx context.Context
var sm *session.Manager
`,
	"lock/doc.go": `
var ctx context.Context
var sm *session.Manager
var row any
var store interface{ Write(ctx context.Context, row any, token int64) error }
`,
	"naming/doc.go": `
var ctx context.Context
var sm *session.Manager
var clientIP string
func call(address string) error
`,
	"naming/httpbalance/doc.go": `
var ctx context.Context
var registry *naming.Registry
var orders *naming.Service
`,
	"queue/doc.go": `
var ctx context.Context
var sm *session.Manager
var data []byte
func send(context.Context, []byte) error
`,
	"session/doc.go": `
var ctx context.Context
`,
}
