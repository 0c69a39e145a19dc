// Package line is the line of contenders in which locks and elections stand:
// ephemeral sequential nodes in one directory, of which the first holds.
//
// Where contenders are of several kinds, some may hold at the same time, as
// readers do: then a contender waits for those before it who are not beside it
// (Config.Beside), and for nobody else.
//
// Each contender watches the last of those it waits for, so that a release
// wakes none but who may hold then, or has to look for whom else it waits.
//
// The layout is Curator's: "_c_", a guid, "-", a tag and the sequence number.
// Other layouts are counted as contenders when their tags are given; any other
// child of the directory is a stranger's and is ignored.
//
// # The way to the front
//
//	      ┌──────────────── node deleted, or session ended ────────────────┐
//	      v                                                                │
//	Enter: create + list ── nobody before ──> Hold ── Release ──> gone     │
//	      │                                    ^ │                         │
//	      │ somebody before                    │ └── lost: see core.Hold │
//	      v                                    │                           │
//	watch the predecessor ── it was the only one, and has gone             │
//	  ^   │      │                                                         │
//	  │   │      └─────────────────────────────────────────────────────────┤
//	  │   └── it has gone, there were more, or an heir: list               │
//	  └────────┘                                                           │
//	      └── ctx ended: the node is removed in the background ──> gone    │
//
// A contender never returns a hold from a session that has ended, nor after
// its ctx has ended: a done ctx beats a free place.
package line
