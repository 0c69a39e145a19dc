// Package line is the line of contenders in which locks and elections stand:
// ephemeral sequential nodes in one directory, of which the first holds.
//
// Each contender watches the one before it, so that a release wakes one waiter
// and not all of them. The layout is Curator's: "_c_", a guid, "-", a tag and
// the sequence number. Other layouts are counted as contenders when their tags
// are given; any other child of the directory is a stranger's and is ignored.
//
// # The way to the front
//
//	      ┌──────────────── node deleted, or session ended ────────────────┐
//	      v                                                                │
//	Enter: create + list ── nobody before ──> Hold ── Release ──> gone     │
//	      │                                    ^ │                         │
//	      │ somebody before                    │ └── lost: see session.Hold │
//	      v                                    │                           │
//	watch the predecessor ── it was the only one, and has gone             │
//	  ^   │      │                                                         │
//	  │   │      └─────────────────────────────────────────────────────────┤
//	  │   └── it has gone, there were more: list                           │
//	  └────────┘                                                           │
//	      └── ctx ended: the node is removed in the background ──> gone    │
//
// A contender never returns a hold from a session that has ended, nor after
// its ctx has ended: a done ctx beats a free place.
package line
