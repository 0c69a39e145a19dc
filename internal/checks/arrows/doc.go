// Package arrows has no code. Its test reads the imports of every module of the
// repository, and finds those that point the wrong way.
//
//	recipe ──▶ what recipes share ──▶ internal/core ──▶ internal/conn ──▶ internal/wire
//	                                      ▲                 │                ▲
//	                                      │                 ▼                │
//	                                   session       go-zookeeper/zk       zktest
package arrows
