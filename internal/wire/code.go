package wire

// Code is an error code with which a server answers a request.
type Code int32

// The codes of the protocol, up to version 3.9. The C client gives CodeClosing and
// CodeNothing to its own program.
const (
	CodeOK                      Code = 0
	CodeSystemError             Code = -1
	CodeRuntimeInconsistency    Code = -2
	CodeDataInconsistency       Code = -3
	CodeConnectionLoss          Code = -4
	CodeMarshalling             Code = -5
	CodeUnimplemented           Code = -6
	CodeOperationTimeout        Code = -7
	CodeBadArguments            Code = -8
	CodeInvalidState            Code = -9
	CodeUnknownSession          Code = -12
	CodeNewConfigNoQuorum       Code = -13
	CodeReconfigInProgress      Code = -14
	CodeAPIError                Code = -100 // codes about a request's execution lie below
	CodeNoNode                  Code = -101
	CodeNoAuth                  Code = -102
	CodeBadVersion              Code = -103
	CodeNoChildrenForEphemerals Code = -108
	CodeNodeExists              Code = -110
	CodeNotEmpty                Code = -111 // the last code about the request's znodes
	CodeSessionExpired          Code = -112
	CodeInvalidCallback         Code = -113
	CodeInvalidACL              Code = -114
	CodeAuthFailed              Code = -115
	CodeClosing                 Code = -116
	CodeNothing                 Code = -117
	CodeSessionMoved            Code = -118
	CodeNotReadOnly             Code = -119
	CodeEphemeralOnLocalSession Code = -120
	CodeNoWatcher               Code = -121
	CodeRequestTimeout          Code = -122
	CodeReconfigDisabled        Code = -123
	CodeNeedsLogin              Code = -124
	CodeQuotaExceeded           Code = -125
	CodeSSLConnectionError      Code = -126
	CodeThrottledOp             Code = -127
)

// Class is what an answer's code says about the execution of its request.
type Class uint8

const (
	// Unknown says that the server may or may not have executed the request.
	Unknown Class = iota
	// Done says that the server has executed the request.
	Done
	// Refused says that the server has processed the request and refused it.
	// The request changed nothing.
	Refused
	// NotExecuted says that the server has not processed the request. It is
	// safe to send the request again.
	NotExecuted
)

type codeInfo struct {
	class  Class
	name   string // as in KeeperException.Code, or in the C client
	advice string // what the code means for the request, and what to do
}

// codes describes each code of the protocol. Codes without advice need no
// explanation.
var codes = map[Code]codeInfo{
	CodeOK: {Done, "OK", ""},

	CodeSystemError:          {Unknown, "SYSTEMERROR", "the server failed while it executed the request: read what it has become, and look into the server's log"},
	CodeRuntimeInconsistency: {Unknown, "RUNTIMEINCONSISTENCY", "the server found its state inconsistent: read what has become of the request, and look into the server's log"},
	CodeDataInconsistency:    {Unknown, "DATAINCONSISTENCY", "the server found its data inconsistent: read what has become of the request, and look into the server's log"},
	CodeConnectionLoss:       {Unknown, "CONNECTIONLOSS", "a proxy or the server lost a connection behind this one: read what has become of the request"},
	CodeMarshalling:          {Refused, "MARSHALLINGERROR", "the server could not read the request: compare the versions of server and client"},
	CodeUnimplemented:        {Refused, "UNIMPLEMENTED", ""},
	CodeOperationTimeout:     {Unknown, "OPERATIONTIMEOUT", "the server gave the request up after some time: read what has become of it"},
	CodeBadArguments:         {Refused, "BADARGUMENTS", ""},
	CodeInvalidState:         {Unknown, "INVALIDSTATE", "a proxy or the server is not in a state to answer: read what has become of the request"},

	CodeUnknownSession:     {Refused, "UNKNOWNSESSION", "the server does not know the session: look into the server's log"},
	CodeNewConfigNoQuorum:  {Refused, "NEWCONFIGNOQUORUM", "too few servers of the new ensemble are in step: start them, then reconfigure again"},
	CodeReconfigInProgress: {Refused, "RECONFIGINPROGRESS", "another reconfiguration of the ensemble is under way: wait for its end, then try again"},

	CodeAPIError:                {Unknown, "APIERROR", ""},
	CodeNoNode:                  {Refused, "NONODE", ""},
	CodeNoAuth:                  {Refused, "NOAUTH", ""},
	CodeBadVersion:              {Refused, "BADVERSION", ""},
	CodeNoChildrenForEphemerals: {Refused, "NOCHILDRENFOREPHEMERALS", ""},
	CodeNodeExists:              {Refused, "NODEEXISTS", ""},
	CodeNotEmpty:                {Refused, "NOTEMPTY", ""},
	CodeSessionExpired:          {Refused, "SESSIONEXPIRED", ""},
	CodeInvalidCallback:         {Refused, "INVALIDCALLBACK", "the server rejects the request's callback: compare the versions of server and client"},
	CodeInvalidACL:              {Refused, "INVALIDACL", ""},
	CodeAuthFailed:              {Refused, "AUTHFAILED", ""},
	CodeClosing:                 {Unknown, "CLOSING", ""},
	CodeNothing:                 {Unknown, "NOTHING", ""},
	CodeSessionMoved:            {NotExecuted, "SESSIONMOVED", ""},
	CodeNotReadOnly:             {Refused, "NOTREADONLY", "the server is read-only, since it has lost its quorum: start the other servers, or name them in the connect string"},
	CodeEphemeralOnLocalSession: {Refused, "EPHEMERALONLOCALSESSION", "the server keeps the session local, and a local session owns no ephemeral znodes: " +
		"set localSessionsUpgradingEnabled=true on the servers, or turn localSessionsEnabled off"},
	CodeNoWatcher:        {Refused, "NOWATCHER", "the server has no such watch of the session"},
	CodeRequestTimeout:   {Unknown, "REQUESTTIMEOUT", "the request took too long: read what has become of it"},
	CodeReconfigDisabled: {Refused, "RECONFIGDISABLED", ""},
	CodeNeedsLogin: {Refused, "SESSIONCLOSEDREQUIRESASLAUTH", "the server serves only clients that have authenticated: " +
		"set Config.SASL if it has sessionRequireClientSASLAuth=true, otherwise credentials of a scheme in its enforce.auth.schemes"},
	CodeQuotaExceeded:      {Refused, "QUOTAEXCEEDED", "a quota on the path or above it is used up: delete what is not needed, or raise the quota (setquota in zkCli.sh)"},
	CodeSSLConnectionError: {Unknown, "SSLCONNECTIONERROR", "a connection behind this one failed in TLS: read what has become of the request"},
	CodeThrottledOp:        {NotExecuted, "THROTTLEDOP", "the server is overloaded and has not executed the request: give it time, or more resources"},
}

// Class returns the class of the code. An unknown code has the class Unknown.
func (c Code) Class() Class { return codes[c].class }

// Name returns the code's name, or "" if ZooKeeper 3.9 has no such code.
func (c Code) Name() string { return codes[c].name }

// Advice says what the code means for the request and what to do about it. It
// is "" if the name says enough.
func (c Code) Advice() string { return codes[c].advice }

// Early reports whether a server may answer a request of the kind with the code
// before it has answered earlier requests. It may if it does not know the kind.
// With enableEagerACLCheck it also may if the session has no right to a change,
// or if the ACL of a change is invalid. No quorum is involved then.
func (c Code) Early(op Op) bool {
	switch c {
	case CodeUnimplemented:
		return true
	case CodeNoAuth, CodeInvalidACL:
		return op.Changes()
	}
	return false
}

// AboutZnodes reports whether the code concerns the znodes of the request. Only
// a server that executes the request can answer with such a code.
func (c Code) AboutZnodes() bool { return c < CodeAPIError && c >= CodeNotEmpty }
