// Package arrows has no code: its test reads the imports of every module of the
// repository, and finds those that point the wrong way.
//
//	recipe ──▶ internal/… ──▶ session ──▶ internal/wire ──▶ nothing of Docent
//	                             │            ▲
//	                             ▼            │
//	                     go-zookeeper/zk    zktest
package arrows
